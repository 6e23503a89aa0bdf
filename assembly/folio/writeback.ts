export function startWriteback(frame: u32): bool {
  return false;
}
export function waitForWriteback(frame: u32): void {}
