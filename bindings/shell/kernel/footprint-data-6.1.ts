/** What processes use under Debian's user-mode-linux 6.1. */
import type { FootprintData } from './footprint.ts';

export const FOOTPRINT_6_1: FootprintData = {
  stackOrder: 2,
  slab: 8192,
  forkChild: 10,
  forkParent: 4,
  programs: {
    bash: {
      anon: 60,
      tables: 8,
      files: [
        { path: '', pages: 310, mapped: 200 },
        { path: '/lib/x86_64-linux-gnu/libc.so.6', pages: 480, mapped: 200 },
      ],
    },
    memtouch: { anon: 8, tables: 5, files: [{ path: '', pages: 190, mapped: 30 }] },
  },
  other: {
    anon: 25,
    tables: 8,
    files: [
      { path: '', pages: 10, mapped: 10 },
      { path: '/lib/x86_64-linux-gnu/libc.so.6', pages: 480, mapped: 150 },
    ],
  },
};
