/** The bytes that the fixtures were made of, by `xz`, `zstd` and `lz4`: text that repeats itself, runs, and noise. */
export function sample(): Buffer {
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed / 2 ** 32;
  };
  const lines = Array.from({ length: 150 }, (_, i) => `${i} task-${(i * i) % 23} page=0x${(i * 64).toString(16)}\n`);
  return Buffer.concat([
    ...Array.from({ length: 40 }, () => Buffer.from(lines.join(''))),
    Buffer.alloc(30_000, 65),
    Buffer.from(Uint8Array.from({ length: 150 }, () => random() * 256)),
    Buffer.from(Uint8Array.from({ length: 700 }, () => random() * random() * 20)),
  ]);
}
