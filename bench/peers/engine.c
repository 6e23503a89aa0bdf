// The recorded driver's hot paths in C: the same columns, 16-byte folio records, stocks, hierarchical counters, uncharge
// batches and logs as assembly/, written with structs and pointers as one would in C. The counters are plain, not atomic.
// What the suites never reach (limits, timers, waiting charges) is tested for as in the engine, and aborts.
//
//   -DATOMIC     atomic counters, as the engine has them for its workers
//   -DPREFETCH   prefetches the folios of later events, and of later log entries while compacting
//   -DLINKED     doubly linked LRU lists in place of logs
//
// Commands on standard input: "reset", "round" (answers nanoseconds), "state" (answers the figures of peer.ts).
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum { OP_KMEM_CHARGE = 12, OP_KMEM_FREE = 13, OP_CHARGE = 16, OP_UNCHARGE = 17, OP_UNCHARGE_FLUSH = 18, OP_SPAWN = 6 };
enum { KIND_ANON, KIND_FILE, KIND_SHMEM, KIND_SOCK = 9 };
enum { ORDER_MASK = 0x1f, KIND_SHIFT = 5, KIND_MASK = 0xf, FLAG_IRQ = 1 << 9 };
enum { HAS_BATCH = 1, HAS_WAIT = 2, HAS_SINGLE = 4, HAS_FREED = 8 };
enum { ROOT = 1, BATCH = 64, SLOTS = 7, LISTS = 5, INACTIVE_ANON = 0, INACTIVE_FILE = 2, STATS = 16 };
enum { CHUNK = 128, CHUNK_SHIFT = 7, LOG_SLACK = 3, AHEAD = 24 };
enum { BATCH_ROWS = 1 << 14 };
#define UNLIMITED 2251799813685247ll

struct cpu {
  u32 hint, how, memcg[SLOTS], pages[SLOTS], served_memcg, served_pages;
  u64 random;
} __attribute__((aligned(256)));

struct counter {
  i64 usage, watermark, local_watermark;
  i64 max __attribute__((aligned(128)));
  struct counter *parent;
  u32 protected;
  i64 high, low, min, emin, elow, min_usage, low_usage, children_min, children_low;
} __attribute__((aligned(128)));

struct list {
  u32 head, tail, live, entries, pages, unused[3];
};

struct folio {
  u32 charge;
#ifdef LINKED
  u32 newer, older, state;
#else
  u32 position, state, waiter;
#endif
};

struct task {
  u32 state, memcg, mm, active, pending, gather_memcg, gather_pages, gather_kmem;
} __attribute__((aligned(128)));

struct chunk {
  u32 next, previous;
};

struct columns {
  const u64 *ts, *index;
  const u32 *task, *cgroup, *object, *count, *flags;
  const u16 *cpu, *gfp;
  const u8 *op;
};

static u32 nr_cgroups, nr_tasks, nr_cpus, frames, rows, prefill;
static u64 now, next_timer = ~0ull;
static u32 page_end, free_chunk, chunks_used;
static struct cpu *cpus;
static struct counter *counters;
static u32 *memcg_state;
static struct list *lists;
static struct folio *folios;
static struct task *tasks;
static i64 (*stats)[STATS];
static u8 op_map[256];
static struct columns all, staged;

#define unreached() (fprintf(stderr, "line %d is not meant to be reached\n", __LINE__), abort())

// ---------------------------------------------------------------- counters

static inline i64 add(i64 *value, i64 delta) {
#ifdef ATOMIC
  return __atomic_add_fetch(value, delta, __ATOMIC_SEQ_CST);
#else
  return *value += delta;
#endif
}

static void propagate_one(i64 *own, i64 *children, i64 usage, i64 limit) {
  i64 guarded = usage < limit ? usage : limit;
  if (guarded == *own) return;
  *children += guarded - *own;
  *own = guarded;
}

static inline void propagate(struct counter *c, i64 usage) {
  struct counter *parent = c->parent;
  if (!parent) return;
  propagate_one(&c->min_usage, &parent->children_min, usage, c->min);
  propagate_one(&c->low_usage, &parent->children_low, usage, c->low);
}

static void counter_uncharge(struct counter *counter, i64 pages) {
  for (struct counter *c = counter; c; c = c->parent) {
    i64 usage = add(&c->usage, -pages);
    if (unlikely(usage < 0)) unreached();
    if (c->protected) propagate(c, usage);
  }
}

static struct counter *counter_try_charge(struct counter *counter, i64 pages) {
  for (struct counter *c = counter; c; c = c->parent) {
    i64 usage = add(&c->usage, pages);
    if (unlikely(usage > c->max)) return c;
    if (c->protected) propagate(c, usage);
    if (usage > c->local_watermark) {
      c->local_watermark = usage;
      if (usage > c->watermark) c->watermark = usage;
    }
  }
  return NULL;
}

// ---------------------------------------------------------------- stock

static u32 random_below(struct cpu *cpu, u32 bound) {
  u64 x = cpu->random += 0x9e3779b97f4a7c15ull;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ x >> 27) * 0x94d049bb133111ebull;
  x ^= x >> 31;
  return (x >> 32) * bound >> 32;
}

static u64 random_seed(u32 cpu) {
  u64 x = cpu + 1;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ x >> 27) * 0x94d049bb133111ebull;
  return x ^ x >> 31;
}

static __attribute__((noinline)) int consume_other_slot(struct cpu *cpu, u32 memcg, u32 pages) {
  for (u32 slot = 0; slot < SLOTS; slot++) {
    if (cpu->memcg[slot] != memcg) continue;
    if (cpu->pages[slot] < pages) return 0;
    cpu->pages[slot] -= pages;
    cpu->hint = slot;
    return 1;
  }
  return 0;
}

static inline int consume_stock(struct cpu *cpu, u32 memcg, u32 pages) {
  u32 hint = cpu->hint;
  if (unlikely(cpu->memcg[hint] != memcg)) return consume_other_slot(cpu, memcg, pages);
  if (unlikely(cpu->pages[hint] < pages)) return 0;
  cpu->pages[hint] -= pages;
  return 1;
}

static void drain_slot(struct cpu *cpu, u32 slot) {
  u32 memcg = cpu->memcg[slot], pages = cpu->pages[slot];
  if (!memcg) return;
  cpu->memcg[slot] = cpu->pages[slot] = 0;
  if (pages) counter_uncharge(&counters[memcg], pages);
}

static __attribute__((noinline)) void refill_slot(struct cpu *cpu, u32 memcg, u32 pages) {
  if (pages > BATCH) {
    counter_uncharge(&counters[memcg], pages);
    return;
  }
  u32 slot = 0, empty = SLOTS;
  for (; slot < SLOTS; slot++) {
    if (cpu->memcg[slot] == memcg) break;
    if (!cpu->memcg[slot] && empty == SLOTS) empty = slot;
  }
  if (slot == SLOTS) {
    slot = empty;
    if (slot == SLOTS) drain_slot(cpu, slot = random_below(cpu, SLOTS));
    cpu->memcg[slot] = memcg;
  }
  cpu->pages[slot] += pages;
  cpu->hint = slot;
  if (cpu->pages[slot] > BATCH) drain_slot(cpu, slot);
}

static inline void refill_stock(struct cpu *cpu, u32 memcg, u32 pages) {
  u32 hint = cpu->hint, left = cpu->pages[hint] + pages;
  if (likely(cpu->memcg[hint] == memcg && left <= BATCH)) cpu->pages[hint] = left;
  else refill_slot(cpu, memcg, pages);
}

static __attribute__((noinline)) int charge_counters(struct cpu *cpu, u32 memcg, u32 pages) {
  cpu->served_memcg = cpu->served_pages = 0;
  if (pages < BATCH && !counter_try_charge(&counters[memcg], BATCH)) {
    cpu->how = 1;
    refill_stock(cpu, memcg, BATCH - pages);
    return 0;
  }
  unreached();
  return 1;
}

static inline int try_charge(struct cpu *cpu, u32 memcg, u32 pages) {
  if (memcg == ROOT) return 0;
  if (likely(pages <= BATCH && consume_stock(cpu, memcg, pages))) {
    cpu->served_memcg = memcg;
    cpu->served_pages = pages;
    return 0;
  }
  return charge_counters(cpu, memcg, pages);
}

// ---------------------------------------------------------------- LRU lists

static inline struct list *list_at(u32 memcg, u32 list) { return &lists[memcg * LISTS + list]; }

#ifdef LINKED

// The list's own record in folios[], behind the frames: its `older` is the newest folio, its `newer` the oldest.
static inline u32 sentinel(struct list *list) { return frames + 1 + (u32)(list - lists); }

static inline void list_add(struct list *list, u32 frame, u32 pages) {
  u32 s = sentinel(list), newest = folios[s].older;
  folios[frame].newer = s;
  folios[frame].older = newest;
  folios[newest].newer = frame;
  folios[s].older = frame;
  list->live++;
  list->pages += pages;
}

static inline void list_del(struct list *list, u32 frame, u32 pages) {
  u32 newer = folios[frame].newer, older = folios[frame].older;
  folios[newer].older = older;
  folios[older].newer = newer;
  list->live--;
  list->pages -= pages;
}

#else

static struct chunk *chunks;
static u32 *log_entries, nr_chunks;

static u32 take_chunk(void) {
  u32 chunk = free_chunk;
  if (chunk) free_chunk = chunks[chunk].next;
  else if ((chunk = ++chunks_used) >= nr_chunks) unreached();
  chunks[chunk].next = chunks[chunk].previous = 0;
  return chunk;
}

static void give_chain(u32 chunk) {
  while (chunk) {
    u32 next = chunks[chunk].next;
    chunks[chunk].next = free_chunk;
    free_chunk = chunk;
    chunk = next;
  }
}

static void list_clear(struct list *list) {
  give_chain(list->tail >> CHUNK_SHIFT);
  list->head = list->tail = list->entries = 0;
}

static inline u32 step(u32 at) {
  return (at & (CHUNK - 1)) == CHUNK - 1 ? chunks[at >> CHUNK_SHIFT].next << CHUNK_SHIFT : at + 1;
}

static __attribute__((noinline)) void compact(struct list *list) {
  u32 head = list->head, read = list->tail, write = read;
  while (read != head) {
    u32 frame = log_entries[read];
#ifdef PREFETCH
    // Within the chunk; beyond its end the hint is wasted, not wrong.
    __builtin_prefetch(&folios[log_entries[read + AHEAD]], 1);
#endif
    if (folios[frame].position == read) {
      log_entries[write] = frame;
      folios[frame].position = write;
      write = step(write);
    }
    read = step(read);
  }
  u32 last = write >> CHUNK_SHIFT;
  give_chain(chunks[last].next);
  chunks[last].next = 0;
  list->head = write;
  list->entries = list->live;
}

static __attribute__((noinline)) void grow_head(struct list *list, u32 chunk) {
  u32 fresh = take_chunk();
  chunks[chunk].next = fresh;
  chunks[fresh].previous = chunk;
  list->head = fresh << CHUNK_SHIFT;
}

static inline u32 list_append(struct list *list, u32 frame, u32 pages) {
  if (unlikely(!list->head)) list->head = list->tail = take_chunk() << CHUNK_SHIFT;
  u32 at = list->head;
  log_entries[at] = frame;
  if (unlikely((at & (CHUNK - 1)) == CHUNK - 1)) grow_head(list, at >> CHUNK_SHIFT);
  else list->head = at + 1;
  list->live++;
  list->entries++;
  list->pages += pages;
  return at;
}

static inline void list_removed(struct list *list, u32 pages) {
  list->live--;
  list->pages -= pages;
  if (unlikely(list->entries > LOG_SLACK * list->live + CHUNK)) {
    if (list->live) compact(list);
    else list_clear(list);
  } else if (unlikely(!list->live)) {
    list_clear(list);
  }
}

#endif

// ---------------------------------------------------------------- folios

static inline void commit_folio(u32 frame, u32 memcg, u32 order, u32 kind) {
  u32 which = kind == KIND_FILE ? INACTIVE_FILE : INACTIVE_ANON, pages = 1u << order;
  struct list *list = list_at(memcg, which);
  struct folio *folio = &folios[frame];
  if (frame + pages > page_end) page_end = frame + pages;
#ifdef LINKED
  folio->charge = memcg << 8 | order << 4;
  folio->state = kind | which << 4;
  list_add(list, frame, pages);
#else
  u32 at = list_append(list, frame, pages);
  *folio = (struct folio){.charge = memcg << 8 | order << 4, .position = at, .state = kind | which << 4};
  if (unlikely(list->entries > LOG_SLACK * list->live + CHUNK)) compact(list);
#endif
  stats[memcg][kind] += pages;
}

static inline void clear_folio(u32 frame, u32 word) {
  struct folio *folio = &folios[frame];
  u32 state = folio->state, kind = state & 0xf, memcg = word >> 8, pages = 1u << (word >> 4 & 0xf);
  struct list *list = list_at(memcg, state >> 4 & 7);
#ifdef LINKED
  int on_list = folio->newer != 0;
  if (on_list) list_del(list, frame, pages);
  *folio = (struct folio){0};
#else
  int on_list = folio->position != 0;
  *folio = (struct folio){0};
  if (on_list) list_removed(list, pages);
#endif
  stats[memcg][kind] -= pages;
}

static void uncharge_batch(struct task *task) {
  u32 memcg = task->gather_memcg, pages = task->gather_pages, kmem = task->gather_kmem;
  task->pending &= ~HAS_BATCH;
  task->gather_memcg = task->gather_pages = task->gather_kmem = 0;
  if (kmem) stats[memcg][10] -= kmem;
  if (pages && memcg != ROOT) counter_uncharge(&counters[memcg], pages);
}

static inline void uncharge_folio(struct task *task, u32 frame, u32 word) {
  u32 memcg = word >> 8;
  if (unlikely(word & 2)) unreached(); // kernel pages
  if (!(task->pending & HAS_BATCH) || task->gather_memcg != memcg) {
    if (task->pending & HAS_BATCH) uncharge_batch(task);
    task->pending |= HAS_BATCH;
    task->gather_memcg = memcg;
  }
  if (memcg != ROOT) task->gather_pages += 1u << (word >> 4 & 0xf);
  clear_folio(frame, word);
}

// ---------------------------------------------------------------- the driver

static inline int memcg_exists(u32 memcg) { return memcg <= nr_cgroups && memcg_state[memcg]; }

static __attribute__((noinline)) void settle(struct task *task, u32 op) {
  if (task->pending & HAS_FREED) unreached();
  if (op == OP_UNCHARGE_FLUSH) return;
  if (task->pending & (HAS_SINGLE | HAS_WAIT)) unreached();
}

static __attribute__((noinline)) u32 replay(u32 from, u32 to) {
  const struct columns c = staged;
  for (u32 i = from; i < to; i++) {
#ifdef PREFETCH
    if (i + AHEAD < to) __builtin_prefetch(&folios[c.index[i + AHEAD]], 1);
#endif
    u32 op = op_map[c.op[i]], cpu_id = c.cpu[i], task_id = c.task[i], flags = c.flags[i];
    u64 index = c.index[i];
    if (unlikely(cpu_id >= nr_cpus)) return i;
    if (unlikely(c.ts[i] >= next_timer)) unreached();
    now = c.ts[i];
    struct cpu *cpu = &cpus[cpu_id];
    struct task *task = NULL;
    if (likely(op != OP_SPAWN && task_id)) {
      if (unlikely(task_id > nr_tasks || !tasks[task_id].state)) return i;
      task = &tasks[task_id];
      if (task->pending && !(flags & FLAG_IRQ)) settle(task, op);
    }
    u32 frame = index;
    switch (op) {
    case OP_CHARGE: {
      u32 order = flags & ORDER_MASK, kind = flags >> KIND_SHIFT & KIND_MASK, memcg = c.cgroup[i];
      if (unlikely(!index || index > frames || order > 9 || 1u << order > frames + 1 - frame)) return i;
      if (unlikely(kind > KIND_SHMEM || !memcg_exists(memcg))) return i;
      if (unlikely(folios[frame].charge)) unreached();
      if (unlikely(try_charge(cpu, memcg, 1u << order))) unreached();
      if (memcg != ROOT && !cpu->served_pages && cpu->how == 2) unreached();
      commit_folio(frame, memcg, order, kind);
      break;
    }
    case OP_UNCHARGE: {
      if (unlikely(!index || index > frames)) return i;
      u32 word = folios[frame].charge;
      if (unlikely(!word || !task)) unreached();
      uncharge_folio(task, frame, word);
      break;
    }
    case OP_UNCHARGE_FLUSH:
      if (task && task->pending & HAS_BATCH) uncharge_batch(task);
      break;
    case OP_KMEM_CHARGE:
    case OP_KMEM_FREE: {
      u32 memcg = c.cgroup[i], pages = c.count[i];
      if (unlikely((flags >> KIND_SHIFT & KIND_MASK) != KIND_SOCK)) unreached();
      if (unlikely(!memcg_exists(memcg))) return i;
      if (memcg == ROOT) break;
      if (op == OP_KMEM_CHARGE) {
        if (unlikely(try_charge(cpu, memcg, pages))) unreached();
        stats[memcg][KIND_SOCK] += pages;
      } else {
        stats[memcg][KIND_SOCK] -= pages;
        refill_stock(cpu, memcg, pages);
      }
      break;
    }
    default:
      return i;
    }
  }
  return to;
}

// ---------------------------------------------------------------- set-up, rounds, figures

// All state lies in one block, so that a reset is one copy.
static u8 *state, *saved;
static size_t state_size;
static u32 saved_header[3];

static void *place(size_t *at, size_t size) {
  void *p = state ? state + *at : NULL;
  *at += (size + 127) & ~(size_t)127;
  return p;
}

static size_t lay_out(void) {
  size_t at = 0;
  cpus = place(&at, nr_cpus * sizeof *cpus);
  counters = place(&at, (nr_cgroups + 1) * sizeof *counters);
  memcg_state = place(&at, (nr_cgroups + 1) * 4);
  lists = place(&at, (nr_cgroups + 1) * LISTS * sizeof *lists);
  tasks = place(&at, (nr_tasks + 1) * sizeof *tasks);
  stats = place(&at, (nr_cgroups + 1) * sizeof *stats);
  folios = place(&at, (frames + 1 + (nr_cgroups + 1) * LISTS) * sizeof *folios);
#ifndef LINKED
  nr_chunks = 1 + (LOG_SLACK * frames + CHUNK - 1) / CHUNK + 4 * LISTS * nr_cgroups;
  chunks = place(&at, nr_chunks * sizeof *chunks);
  log_entries = place(&at, (nr_chunks * (size_t)CHUNK + AHEAD) * 4);
#endif
  return at;
}

static const size_t widths[] = {8, 8, 4, 4, 4, 4, 4, 2, 2, 1};

static void stage(u32 from, u32 to) {
  const void **source = (const void **)&all, **target = (const void **)&staged;
  for (int i = 0; i < 10; i++) memcpy((void *)target[i], (u8 *)source[i] + from * widths[i], (to - from) * widths[i]);
}

static u64 clock_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static u64 run(u32 from, u32 to) {
  u64 ns = 0;
  for (u32 at = from; at < to; at += BATCH_ROWS) {
    u32 end = to - at < BATCH_ROWS ? to : at + BATCH_ROWS;
    stage(at, end);
    u64 began = clock_ns();
    u32 done = replay(0, end - at);
    ns += clock_ns() - began;
    if (done != end - at) fprintf(stderr, "row %u is refused\n", at + done), exit(1);
  }
  return ns;
}

static void load(const char *path) {
  int fd = open(path, O_RDONLY);
  struct stat s;
  if (fd < 0 || fstat(fd, &s)) perror(path), exit(1);
  u32 *file = mmap(NULL, s.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (file == MAP_FAILED) perror(path), exit(1);
  nr_cgroups = file[0], nr_tasks = file[1], nr_cpus = file[2], frames = file[3], rows = file[4], prefill = file[5];
  u32 *parents = file + 8, *task_memcgs = parents + nr_cgroups + 1;
  u8 *at = (u8 *)file + file[6];
  const void **column = (const void **)&all, **to = (const void **)&staged;
  for (int i = 0; i < 10; i++) {
    column[i] = at;
    at += (rows * widths[i] + 7) & ~7ul;
    to[i] = aligned_alloc(128, BATCH_ROWS * widths[i]);
  }
  for (int i = 0; i < 256; i++) op_map[i] = i;
  state_size = lay_out();
  state = aligned_alloc(4096, (state_size + 4095) & ~4095ul);
  saved = malloc(state_size);
  memset(state, 0, state_size);
  lay_out();
  for (u32 id = 1; id <= nr_cgroups; id++) {
    memcg_state[id] = 1;
    counters[id].max = counters[id].high = UNLIMITED;
    counters[id].protected = 1;
    counters[id].parent = parents[id] ? &counters[parents[id]] : NULL;
  }
  for (u32 id = 1; id <= nr_tasks; id++) tasks[id].state = 1, tasks[id].memcg = task_memcgs[id], tasks[id].mm = id;
  for (u32 i = 0; i < nr_cpus; i++) cpus[i].random = random_seed(i);
#ifdef LINKED
  for (u32 i = 0; i < (nr_cgroups + 1) * LISTS; i++) {
    u32 s = sentinel(&lists[i]);
    folios[s].newer = folios[s].older = s;
  }
#endif
  run(0, prefill);
  memcpy(saved, state, state_size);
  saved_header[0] = page_end, saved_header[1] = free_chunk, saved_header[2] = chunks_used;
}

static u32 hash_word(u32 hash, u32 word) { return (hash ^ word) * 0x01000193u; }

static void print_state(void) {
  u32 order = 0x811c9dc5u, owners = order;
  for (u32 id = 1; id <= nr_cgroups; id++) {
    struct counter *c = &counters[id];
    printf("%ld %ld %ld ", (long)c->usage, (long)c->watermark, (long)c->local_watermark);
    printf("%ld %ld %ld ", (long)stats[id][KIND_ANON], (long)stats[id][KIND_FILE], (long)stats[id][KIND_SOCK]);
    for (u32 i = 0; i < LISTS; i++) {
      struct list *list = list_at(id, i);
      printf("%u %u ", list->live, list->pages);
#ifdef LINKED
      u32 s = sentinel(list);
      for (u32 f = folios[s].newer; f != s; f = folios[f].newer) order = hash_word(order, f);
#else
      for (u32 p = list->tail; p != list->head; p = step(p))
        if (folios[log_entries[p]].position == p) order = hash_word(order, log_entries[p]);
#endif
    }
  }
  for (u32 i = 0; i < nr_cpus; i++) {
    printf("%u ", cpus[i].hint);
    for (u32 slot = 0; slot < SLOTS; slot++) printf("%u %u ", cpus[i].memcg[slot], cpus[i].pages[slot]);
  }
  for (u32 f = 1; f <= frames; f++) owners = hash_word(owners, folios[f].charge);
  printf("%u %u\n", owners, order);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  load(argv[1]);
  char command[16];
  while (scanf("%15s", command) == 1) {
    if (!strcmp(command, "reset")) {
      memcpy(state, saved, state_size);
      page_end = saved_header[0], free_chunk = saved_header[1], chunks_used = saved_header[2];
      puts("0");
    } else if (!strcmp(command, "round")) {
      printf("%llu\n", (unsigned long long)run(prefill, rows));
    } else if (!strcmp(command, "state")) {
      print_state();
    } else {
      return 2;
    }
    fflush(stdout);
  }
  return 0;
}
