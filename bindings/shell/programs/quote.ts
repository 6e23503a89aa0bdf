/** The quoting of names in messages, as gnulib's quotearg has it in the C locale. */

const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

const octal = (char: string): string => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
const printable = (char: string): boolean => char >= ' ' && char <= '~';

/** `'text'`, always (quote(3) of gnulib): what is not printable is escaped as in C. */
export function quote(text: string): string {
  let out = '';
  for (const char of text) {
    if (char === "'" || char === '\\') out += `\\${char}`;
    else if (printable(char)) out += char;
    else out += ESCAPES[char] ?? octal(char);
  }
  return `'${out}'`;
}

function shellQuote(text: string): string {
  if (!/[^ -~]/.test(text) && text.includes("'") && !/["$`\\!]/.test(text)) return `"${text}"`;
  let out = "'";
  let escaping = false;
  for (const char of text) {
    if (printable(char)) {
      if (escaping) out += "''";
      escaping = false;
      out += char === "'" ? "'\\''" : char;
    } else {
      if (!escaping) out += "'$'";
      escaping = true;
      out += ESCAPES[char] ?? octal(char);
    }
  }
  return `${out}'`;
}

/** A file's name for a message that names it bare unless a shell would need quotes (quotef of gnulib). */
export function quoteIfNeeded(text: string): string {
  return needsShellQuotes(text) || text.includes(':') ? shellQuote(text) : text;
}

/** A file's name for a message that always quotes it (quoteaf of gnulib). */
export function quoteName(text: string): string {
  return shellQuote(text);
}

/** A name as `ls` shows it on a terminal (`shell-escape`). */
export function quoteForTerminal(text: string): string {
  return needsShellQuotes(text) ? shellQuote(text) : text;
}

/** A byte as the C style shows it: `\n`, `\001`. */
export function escapeByte(char: string): string {
  if (printable(char)) return char === '\\' ? '\\\\' : char;
  return ESCAPES[char] ?? octal(char);
}

function needsShellQuotes(text: string): boolean {
  return text === '' || text === '{' || text === '}' || /^[#~]|[ !"$&()*;<=>[^`|'?\\]|[^ -~]/.test(text);
}
