/** What the release binary is made of: nothing that another worker's instantiation would write again, no state of its own. */
import { readFile } from 'node:fs/promises';
import binaryen from 'binaryen';
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { bodies, dataSegments, Reader, reachable, SECTION, sections } from './wasm-reader.ts';

const build = new URL('../../build/', import.meta.url);
const release = await readFile(new URL('engine.wasm', build));
const debug = await readFile(new URL('engine.debug.wasm', build));

const ids = (module: Uint8Array) => sections(module).map(({ id }) => id);

/** The binary's own text, not the file that was built beside it: names are the export's or the function's number. */
function disassemble(module: Uint8Array): string {
  const it = binaryen.readBinary(module);
  try {
    return it.emitText();
  } finally {
    it.dispose();
  }
}

describe('the release build', () => {
  const { functions, exports } = bodies(disassemble(release));

  it('is small', () => {
    expect(release.length).toBeLessThan(196608);
  });

  it('has no data segment', () => {
    expect(ids(release)).not.toContain(SECTION.data);
    // The reader would see one: the debug build has some, for the text of its assertions.
    expect(dataSegments(debug).length).toBeGreaterThan(0);
  });

  it('has no table, element or start, and no memory of its own', () => {
    for (const id of [SECTION.table, SECTION.element, SECTION.start, SECTION.memory])
      expect(ids(release)).not.toContain(id);
  });

  it('imports the memory and nothing else', () => {
    const reader = new Reader(sections(release).find(({ id }) => id === SECTION.import)!.bytes);
    expect(reader.leb()).toBe(1);
    expect([reader.name(), reader.name()]).toEqual(['env', 'memory']);
    expect(reader.byte()).toBe(2); // a memory
    expect(reader.byte() & 2).toBe(2); // … that is shared
  });

  it('sets globals in attach() only', () => {
    const setters = [...functions].filter(([, body]) => body.setsGlobal).map(([name]) => name);
    expect(setters.length).toBeGreaterThan(0);
    const ofAttach = reachable(functions, exports.get('attach')!);
    for (const setter of setters) expect(ofAttach, setter).toContain(setter);
    for (const [name, start] of exports) {
      if (name === 'attach') continue;
      const ran = [...reachable(functions, start)].filter((each) => functions.get(each)?.setsGlobal);
      expect(ran, `${name}() sets globals`).toEqual([]);
    }
  });

  it('was read whole: every exported function has a body, and calls were seen', () => {
    expect(exports.size).toBeGreaterThan(40);
    for (const [name, start] of exports) expect(functions.has(start), name).toBe(true);
    const calls = [...functions.values()].reduce((sum, body) => sum + body.calls.size, 0);
    expect(calls).toBeGreaterThan(exports.size);
  });

  it('exports what the debug build exports', () => {
    const names = (module: Uint8Array) =>
      WebAssembly.Module.exports(new WebAssembly.Module(module as BufferSource)).map((e) => e.name);
    expect(names(release).sort()).toEqual(names(debug).sort());
  });
});

it('the texts of the debug build lie below the header, which its instantiation must not overwrite', () => {
  for (const { offset, length } of dataSegments(debug)) expect(offset + length).toBeLessThanOrEqual(L.HEADER);
});
