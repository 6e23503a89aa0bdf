// Who uses which folio, beside the accounting: nothing of the model depends on it. (observe/ is for metrics.)

/** A task of `memcg` uses the folio. */
export function noteUse(frame: u32, memcg: u32): void {}
/** The folio is free: nobody uses it. */
export function forgetUse(frame: u32): void {}
