/** Reading of what the measuring scripts print. */
import { expect, it } from 'vitest';
import { held, sections } from './parse.ts';

const text = `= sleep
current 135168
anon 8192
slab_unreclaimable 6552
40000000-40001000 r--p 00000000 00:0f 2189076                            /lib/x.so
Rss:                   8 kB
Shared_Dirty:          0 kB
Anonymous:             4 kB
40031000-40033000 rw-p 00031000 00:0f 2189076                            /lib/x.so
Rss:                   4 kB
Shared_Dirty:          0 kB
Anonymous:             0 kB
552aab6000-552aad7000 rwxp 00000000 00:00 0                              [heap]
Rss:                   4 kB
Shared_Dirty:          0 kB
Anonymous:             4 kB
cached
/lib/x.so 8193 0+1 2+1
= empty`.split('\n');

it('tells figures, private pages, mapped pages and cached ranges apart', () => {
  const found = sections(text);
  expect([...found.keys()]).toEqual(['sleep', 'empty']);
  const one = held(found.get('sleep')!);
  expect(Object.fromEntries(one.stat)).toEqual({ current: 135168, anon: 8192, slab_unreclaimable: 6552 });
  expect(one.anon).toBe(2);
  expect(Object.fromEntries(one.mapped)).toEqual({ '/lib/x.so': 2 });
  expect(Object.fromEntries(one.files)).toEqual({
    '/lib/x.so': {
      pages: 3,
      ranges: [
        [0, 1],
        [2, 1],
      ],
    },
  });
});
