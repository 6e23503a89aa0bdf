/** Tables as libsmartcols prints them: columns as wide as what is in them, one blank between. */

export interface Column {
  name: string;
  right?: boolean;
}

/** The lines of a table; the last column is not padded on its right. */
export function tableText(columns: readonly Column[], rows: readonly (readonly string[])[], headings = true): string {
  const lines = headings ? [columns.map(({ name }) => name), ...rows] : [...rows];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]!.length), headings ? 0 : 0));
  return lines
    .map((line) => {
      const cells = line.map((cell, i) => {
        if (columns[i]!.right) return cell.padStart(widths[i]!);
        return i === line.length - 1 ? cell : cell.padEnd(widths[i]!);
      });
      return `${cells.join(' ')}\n`;
    })
    .join('');
}
