// Another cgroup touches a page that is charged already: onShare(). Linux: it stays where it is. Debate 1.

/** A minor fault or a buffered access of a resident page: `toucher` would have paid for it in Linux if it had come first. */
export function onShare(task: u32, cpu: u32, frame: u32, toucher: u32): void {}
