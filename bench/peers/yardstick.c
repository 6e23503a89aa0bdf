/*
 * The least that a limit costs: 48 leaf cgroups in a tree of depth 4, a stock per CPU of one slot, counters all the way up, four LRU
 * lists per cgroup, reclaim of 32 pages from the leaf whose limit refused. A page is a number; its descriptor is 16 bytes.
 *
 *   (nothing)            doubly linked lists
 *   -DPREFETCH           ... and the descriptors of later events are prefetched
 *   -DLOGS -DPREFETCH    a list is a log of page numbers in chunks; a removal is one store. The next of the tail is read ahead
 *
 * What it leaves out against the engine: see bench/README.md. Reads commands from standard input: reset, round, state.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

typedef uint32_t u32;
typedef uint64_t u64;

enum { CPUS = 256, BATCH = 64, CLUSTER = 32, AHEAD = 16, RETRIES = 16, PRIORITIES = 12 };
enum { RESIDENT = 1, REFERENCED = 2, ACTIVE = 4, IS_FILE = 8, LIST_MASK = 12, LIST_SHIFT = 2, OWNER_SHIFT = 8 };
enum { OP_FREE = 2, OP_MASK = 3, OP_FILE = 4 };
enum { NONE = 0xffffffff, CHUNK = 1024, CHUNK_SHIFT = 10, SLACK = 3, FIRST_SQUEEZE = 4096 };

struct page { u32 state, a, b, unused; }; /* a, b: neighbours on the list; with logs a is the position */
struct event { u32 page, what; };         /* op:2 file:1 | cpu:8 from bit 8 | cgroup:16 from bit 16 */
struct cgroup {
  u32 usage, max, parent, refused, watermark, faults, size[4];
  u32 padding[6];
};
struct stock { u32 cgroup, pages, padding[14]; };
struct log { u32 head, tail, entries, squeeze_above; };

static u32 nr_pages, nr_cgroups;
static u64 nr_events;
static struct page *pages;
static struct event *events;
static struct cgroup *cgroups;
static u32 *parents, *limits;
static struct stock stocks[CPUS];
static u32 scanned, evicted, deactivated, failed, squeezed;
static volatile u32 sink;

/* --- counters */

/* 0, or 1 + the cgroup that refused. */
static inline u32 try_charge(u32 from, u32 n) {
  u32 c = from;
  do {
    struct cgroup *cg = &cgroups[c];
    u32 usage = cg->usage += n;
    if (usage > cg->max) {
      cg->usage -= n;
      cg->refused++;
      for (u32 d = from; d != c; d = cgroups[d].parent) cgroups[d].usage -= n;
      return c + 1;
    }
    if (usage > cg->watermark) cg->watermark = usage;
    c = cg->parent;
  } while (c != NONE);
  return 0;
}

static inline void uncharge_up(u32 from, u32 n) {
  for (u32 c = from; c != NONE; c = cgroups[c].parent) cgroups[c].usage -= n;
}

static inline void refill(struct stock *stock, u32 cg, u32 n) {
  if (stock->cgroup != cg) {
    if (stock->pages) uncharge_up(stock->cgroup, stock->pages);
    stock->cgroup = cg;
    stock->pages = 0;
  }
  n += stock->pages;
  if (n > BATCH) {
    uncharge_up(cg, n);
    n = 0;
  }
  stock->pages = n;
}

/* --- lists */

#ifdef LOGS
static struct log *logs;
static u32 *entries, *next_chunk, free_chunk;

static inline struct log *log_of(u32 cg, u32 list) { return &logs[(cg << 2) + list]; }

static inline u32 take_chunk(void) {
  u32 chunk = free_chunk;
  if (!chunk) abort();
  free_chunk = next_chunk[chunk];
  return chunk;
}
static inline void give_chunk(u32 chunk) {
  next_chunk[chunk] = free_chunk;
  free_chunk = chunk;
}
/* The position after `at`, a chunk being made for it if need be. */
static inline u32 step_and_grow(u32 at) {
  if (++at & (CHUNK - 1)) return at;
  u32 fresh = take_chunk();
  next_chunk[(at - 1) >> CHUNK_SHIFT] = fresh;
  return fresh << CHUNK_SHIFT;
}
/* The position after `at`, whose chunk is given back where it ends. */
static inline u32 step_and_give(u32 at) {
  if (++at & (CHUNK - 1)) return at;
  u32 chunk = (at - 1) >> CHUNK_SHIFT, next = next_chunk[chunk];
  give_chunk(chunk);
  return next << CHUNK_SHIFT;
}

static __attribute__((noinline)) void squeeze(struct log *log) {
  u32 read = log->tail, write = take_chunk() << CHUNK_SHIFT, first = write, live = 0;
  while (read != log->head) {
    u32 p = entries[read];
    if (pages[p].a == read) {
      entries[write] = p;
      pages[p].a = write;
      live++;
      write = step_and_grow(write);
    }
    read = step_and_give(read);
  }
  give_chunk(read >> CHUNK_SHIFT);
  log->tail = first;
  log->head = write;
  log->entries = live;
  log->squeeze_above = SLACK * live + FIRST_SQUEEZE;
  squeezed++;
}

static inline void add(u32 p, u32 cg, u32 list) {
  struct log *log = log_of(cg, list);
  entries[log->head] = p;
  pages[p].a = log->head;
  log->head = step_and_grow(log->head);
  cgroups[cg].size[list]++;
  if (++log->entries > log->squeeze_above) squeeze(log);
}
static inline void del(u32 p, u32 cg, u32 list) {
  pages[p].a = 0;
  cgroups[cg].size[list]--;
}
/* The oldest page; the list is not empty. */
static inline u32 oldest(u32 cg, u32 list) {
  struct log *log = log_of(cg, list);
  for (;;) {
    u32 at = log->tail, p = entries[at];
    log->tail = step_and_give(at);
    log->entries--;
    if (pages[p].a == at) return p;
  }
}
static inline void read_ahead_tail(u32 cg, u32 list) {
#ifdef PREFETCH
  u32 at = log_of(cg, list)->tail, n = CHUNK - (at & (CHUNK - 1)), sum = 0;
  if (n > 48) n = 48;
  for (u32 i = 0; i < n; i++) sum += pages[entries[at + i]].state;
  sink = sum;
#endif
}
#else
static inline u32 end_of(u32 cg, u32 list) { return nr_pages + (cg << 2) + list; }
static inline void add(u32 p, u32 cg, u32 list) {
  u32 end = end_of(cg, list), newest = pages[end].b;
  pages[p].b = newest;
  pages[p].a = end;
  pages[newest].a = p;
  pages[end].b = p;
  cgroups[cg].size[list]++;
}
static inline void del(u32 p, u32 cg, u32 list) {
  u32 newer = pages[p].a, older = pages[p].b;
  pages[newer].b = older;
  pages[older].a = newer;
  cgroups[cg].size[list]--;
}
static inline u32 oldest(u32 cg, u32 list) { return pages[end_of(cg, list)].a; }
static inline void read_ahead_tail(u32 cg, u32 list) { (void)cg, (void)list; }
#endif

/* --- reclaim */

static void age(u32 cg, u32 active) {
  u32 n = cgroups[cg].size[active] < CLUSTER ? cgroups[cg].size[active] : CLUSTER;
  for (u32 i = 0; i < n; i++) {
    u32 p = oldest(cg, active);
    del(p, cg, active);
    pages[p].state &= ~(ACTIVE | REFERENCED);
    add(p, cg, active - 1);
  }
  deactivated += n;
}

static u32 shrink(u32 cg, u32 list) {
  u32 n = cgroups[cg].size[list] < CLUSTER ? cgroups[cg].size[list] : CLUSTER, gone = 0;
  if (n == CLUSTER) read_ahead_tail(cg, list);
  for (u32 i = 0; i < n; i++) {
    u32 p = oldest(cg, list), state = pages[p].state;
    del(p, cg, list);
    if (state & REFERENCED) {
      pages[p].state = (state & ~REFERENCED) | ACTIVE;
      add(p, cg, list + 1);
    } else {
      pages[p].state = 0;
      gone++;
    }
  }
  scanned += n;
  evicted += gone;
  if (gone) uncharge_up(cg, gone);
  return gone;
}

/* Page cache first, then anonymous memory, which is dropped as page cache is. */
static __attribute__((noinline)) void reclaim(u32 cg, u32 wanted) {
  u32 done = 0;
  for (u32 pass = 0; pass < PRIORITIES && done < wanted; pass++)
    for (int inactive = 2; inactive >= 0 && done < wanted; inactive -= 2) {
      if (cgroups[cg].size[inactive] * 2 < cgroups[cg].size[inactive + 1]) age(cg, inactive + 1);
      done += shrink(cg, inactive);
    }
}

static __attribute__((noinline)) void charge_counters(struct stock *stock, u32 cg) {
  if (!try_charge(cg, BATCH)) {
    refill(stock, cg, BATCH - 1);
    return;
  }
  for (u32 retry = 0; retry < RETRIES; retry++) {
    if (!try_charge(cg, 1)) return;
    reclaim(cg, CLUSTER);
    if (!try_charge(cg, BATCH)) {
      refill(stock, cg, BATCH - 1);
      return;
    }
  }
  for (u32 c = cg; c != NONE; c = cgroups[c].parent) cgroups[c].usage++;
  failed++;
}

/* --- events */

static inline void replay(struct event e) {
  struct page *page = &pages[e.page];
  u32 state = page->state, cpu = (e.what >> 8) & 255;
  if ((e.what & OP_MASK) == OP_FREE) {
    if (!(state & RESIDENT)) return;
    u32 cg = state >> OWNER_SHIFT;
    del(e.page, cg, (state & LIST_MASK) >> LIST_SHIFT);
    page->state = 0;
    refill(&stocks[cpu], cg, 1);
  } else if (state & RESIDENT) {
    if (!(state & REFERENCED)) {
      page->state = state | REFERENCED;
    } else if (!(state & ACTIVE)) {
      u32 cg = state >> OWNER_SHIFT, list = (state & LIST_MASK) >> LIST_SHIFT;
      del(e.page, cg, list);
      page->state = (state & ~REFERENCED) | ACTIVE;
      add(e.page, cg, list | 1);
    }
  } else {
    u32 cg = e.what >> 16, file = e.what & OP_FILE ? IS_FILE : 0;
    struct stock *stock = &stocks[cpu];
    if (stock->cgroup == cg && stock->pages) stock->pages--;
    else charge_counters(stock, cg);
    page->state = RESIDENT | file | cg << OWNER_SHIFT;
    add(e.page, cg, file >> LIST_SHIFT);
    cgroups[cg].faults++;
  }
}

static u64 nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static u64 run(void) {
  u64 began = nanoseconds(), i = 0;
#ifdef PREFETCH
  for (; i + AHEAD < nr_events; i++) {
    __builtin_prefetch(&pages[events[i + AHEAD].page], 1);
    replay(events[i]);
  }
#endif
  for (; i < nr_events; i++) replay(events[i]);
  return nanoseconds() - began;
}

static void *table(u64 bytes) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) abort();
  return at;
}

/* Everything begins empty; that touches all memory, so that no round pays for a first touch. */
static void reset(void) {
  memset(pages, 0, (nr_pages + 4ul * nr_cgroups) * sizeof(struct page));
  memset(cgroups, 0, nr_cgroups * sizeof(struct cgroup));
  memset(stocks, 0, sizeof stocks);
  for (u32 c = 0; c < nr_cgroups; c++) {
    cgroups[c].parent = parents[c];
    cgroups[c].max = limits[c];
  }
  scanned = evicted = deactivated = failed = squeezed = 0;
#ifdef LOGS
  u32 chunks = (2 * SLACK * nr_pages >> CHUNK_SHIFT) + 16 * nr_cgroups;
  memset(entries, 0, (u64)chunks << (CHUNK_SHIFT + 2));
  for (u32 c = 1; c < chunks; c++) next_chunk[c] = c + 1 < chunks ? c + 1 : 0;
  free_chunk = 1;
  for (u32 l = 0; l < 4 * nr_cgroups; l++) {
    u32 at = take_chunk() << CHUNK_SHIFT;
    logs[l] = (struct log){at, at, 0, FIRST_SQUEEZE};
  }
#else
  for (u32 end = nr_pages; end < nr_pages + 4 * nr_cgroups; end++) pages[end].a = pages[end].b = end;
#endif
}

/* Words: pages, cgroups, events; then each cgroup's parent, each one's limit; then the events. */
static void read_workload(const char *path) {
  FILE *file = fopen(path, "rb");
  u32 head[4];
  if (!file || fread(head, sizeof head, 1, file) != 1) abort();
  nr_pages = head[0], nr_cgroups = head[1], nr_events = head[2];
  parents = malloc(nr_cgroups * 4ul);
  limits = malloc(nr_cgroups * 4ul);
  events = table(nr_events * sizeof(struct event));
  if (fread(parents, 4, nr_cgroups, file) != nr_cgroups || fread(limits, 4, nr_cgroups, file) != nr_cgroups) abort();
  if (fread(events, sizeof(struct event), nr_events, file) != nr_events) abort();
  fclose(file);
  pages = table((nr_pages + 4ul * nr_cgroups) * sizeof(struct page));
  cgroups = aligned_alloc(64, nr_cgroups * sizeof(struct cgroup));
#ifdef LOGS
  u64 chunks = (2 * SLACK * nr_pages >> CHUNK_SHIFT) + 16 * nr_cgroups;
  entries = table(chunks << (CHUNK_SHIFT + 2));
  next_chunk = malloc(chunks * 4);
  logs = malloc(4ul * nr_cgroups * sizeof(struct log));
#endif
  reset();
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  read_workload(argv[1]);
  char command[16];
  while (scanf("%15s", command) == 1) {
    if (!strcmp(command, "reset")) {
      reset();
      puts("0");
    } else if (!strcmp(command, "round")) {
      printf("%llu\n", (unsigned long long)run());
    } else if (!strcmp(command, "state")) {
      /* what they did, then what each cgroup has on its lists, charged, at most, and how often its limit refused */
      printf("%u %u %u %u", scanned, evicted, deactivated, failed);
      for (u32 c = 0; c < nr_cgroups; c++) {
        struct cgroup *cg = &cgroups[c];
        printf(" %u %u %u %u", cg->size[0], cg->size[1], cg->size[2], cg->size[3]);
        printf(" %u %u %u %u", cg->usage, cg->watermark, cg->refused, cg->faults);
      }
      putchar('\n');
    } else {
      return 2;
    }
    fflush(stdout);
  }
  return 0;
}
