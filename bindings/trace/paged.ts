/**
 * A byte for each of many ids, in pages that come into being when they are written: dense ids cost a byte each, and an id that is far
 * out, as in a damaged trace, costs a page and not the way to it.
 */
const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
/** 256 MiB in all; ids beyond are not remembered. */
const MAX_PAGES = 1 << 16;

export class PagedBytes {
  readonly #pages: (Uint8Array | undefined)[] = [];
  #count = 0;

  get(id: number): number {
    const page = this.#pages[id >>> PAGE_BITS];
    return page === undefined ? 0 : page[id & (PAGE - 1)]!;
  }

  /** Answers false where there is no room for the id. */
  set(id: number, value: number): boolean {
    const at = id >>> PAGE_BITS;
    let page = this.#pages[at];
    if (page === undefined) {
      if (this.#count === MAX_PAGES) return false;
      this.#count++;
      page = new Uint8Array(PAGE);
      this.#pages[at] = page;
    }
    page[id & (PAGE - 1)] = value;
    return true;
  }
}
