// steps FILE: carries out the steps of one experiment (README.md) and prints the cgroups' own figures where the steps say `show`.
// Static and without stdio in the workers, so that what they use of themselves is a handful of pages.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096L
static const char *root = "/sys/fs/cgroup";

static int spit(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) return -errno;
  long n = write(fd, text, strlen(text));
  int e = errno;
  close(fd);
  return n < 0 ? -e : 0;
}
static char *slurp(const char *path) {
  static char text[1 << 16];
  int fd = open(path, O_RDONLY);
  long n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  text[n > 0 ? n : 0] = 0;
  return text;
}

// ------------------------------------------------------------------------------------------------ workers
struct worker { char name[16]; int pid, to, from; } workers[32];
static int nr_workers, child;
static char *anon, buffer[64 * PAGE] __attribute__((aligned(4096)));
static struct { char name[32]; int fd; char *map; } files[8];

static void *aligned(long bytes);
static int file_of(const char *name) {
  for (int i = 0; i < 8; i++) {
    if (files[i].fd && !strcmp(files[i].name, name)) return i;
    if (files[i].fd) continue;
    files[i].fd = open(name, O_RDWR | O_CREAT, 0600);
    if (files[i].fd < 0) return -1;
    posix_fadvise(files[i].fd, 0, 0, POSIX_FADV_RANDOM);
    strcpy(files[i].name, name);
    return i;
  }
  return -1;
}

static int act(int argc, char **arg) {
  const char *verb = arg[0];
  int on_file = !strcmp(verb, "read") || !strcmp(verb, "write") || !strcmp(verb, "map") || !strcmp(verb, "open");
  int f = on_file ? file_of(arg[1]) : -1;
  if (on_file && f < 0) return errno;
  if (on_file) arg++;
  long from = argc > 1 && arg[1] ? atol(arg[1]) : 0, count = arg[1] && arg[2] ? atol(arg[2]) : 0;
  if (!strcmp(verb, "read") || !strcmp(verb, "write")) {
    long chunk = arg[3] ? atol(arg[3]) : 16;
    for (long i = from; i < from + count; i += chunk) {
      long n = (i + chunk > from + count ? from + count - i : chunk) * PAGE;
      long done = *verb == 'r' ? pread(files[f].fd, buffer, n, i * PAGE) : pwrite(files[f].fd, buffer, n, i * PAGE);
      if (done != n) return done < 0 ? errno : 1;
    }
  } else if (!strcmp(verb, "map")) { // map FILE FROM COUNT r|w|x
    struct stat st;
    fstat(files[f].fd, &st);
    if (!files[f].map) {
      files[f].map = mmap(aligned(st.st_size), st.st_size, PROT_READ | (*arg[3] == 'x' ? PROT_EXEC : PROT_WRITE), MAP_SHARED | MAP_FIXED, files[f].fd, 0);
      madvise(files[f].map, st.st_size, MADV_RANDOM);
    }
    for (long i = from; i < from + count; i++)
      if (*arg[3] == 'w') ((volatile char *)files[f].map)[i * PAGE] = 1;
      else (void)((volatile char *)files[f].map)[i * PAGE];
  } else if (!strcmp(verb, "touch")) { // touch FROM COUNT r|w
    for (long i = from; i < from + count; i++)
      if (*arg[3] == 'w') ((volatile char *)anon)[i * PAGE] = 1;
      else (void)((volatile char *)anon)[i * PAGE];
  } else if (!strcmp(verb, "free")) madvise(anon + from * PAGE, count * PAGE, MADV_DONTNEED);
  else if (!strcmp(verb, "mlock")) return mlock(anon + from * PAGE, count * PAGE) ? errno : 0;
  else if (!strcmp(verb, "munlock")) return munlock(anon + from * PAGE, count * PAGE) ? errno : 0;
  else if (!strcmp(verb, "fork")) { // fork FROM COUNT r|w: a child that touches these pages, and stays
    int done[2];
    char byte = 0;
    if (pipe(done)) return errno;
    if (!(child = fork())) {
      for (long i = from; i < from + count; i++)
        if (*arg[3] == 'w') ((volatile char *)anon)[i * PAGE] = 1;
        else (void)((volatile char *)anon)[i * PAGE];
      if (write(done[1], &byte, 1) != 1) _exit(1);
      for (;;) pause();
    }
    close(done[1]);
    int killed = read(done[0], &byte, 1) != 1;
    close(done[0]);
    if (killed) waitpid(child, 0, 0);
    return killed ? ECHILD : 0;
  } else if (!strcmp(verb, "kill")) {
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
  } else if (!strcmp(verb, "adj")) return -spit("/proc/self/oom_score_adj", arg[1]);
  else if (!strcmp(verb, "join")) return -spit(arg[1], "0");
  return 0;
}

static void live(int in, int out) {
  char line[256];
  for (;;) {
    long n = read(in, line, sizeof line - 1);
    if (n <= 0) _exit(0);
    line[n] = 0;
    char *arg[8] = {0};
    int argc = 0;
    for (char *s = line; argc < 7 && *s;) {
      while (*s == ' ') *s++ = 0;
      if (!*s) break;
      arg[argc++] = s;
      while (*s && *s != ' ') s++;
    }
    if (!strcmp(arg[0], "exit")) _exit(0);
    unsigned char status = act(argc, arg);
    if (write(out, &status, 1) != 1) _exit(0);
  }
}

static struct worker *named(const char *name) {
  for (int i = 0; i < nr_workers; i++) if (!strcmp(workers[i].name, name)) return &workers[i];
  return 0;
}

// Every page of the program is read, so that nothing of it is brought in, or faulted, later.
static void read_program(void) {
  extern char __executable_start[], end[];
  unsigned char resident;
  for (char *p = __executable_start; p < end; p += PAGE)
    if (!mincore((char *)((long)p & -PAGE), 1, &resident)) (void)*(volatile char *)p;
}

static void *aligned(long bytes) {
  char *p = mmap(0, bytes + (4L << 20), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return (char *)(((long)p + (2L << 20) - 1) & -(2L << 20));
}

// munmap() calls lru_add_drain(): what this CPU's batch holds of new pages goes to their lists.
static void drain(void) {
  munmap(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0), PAGE);
}

// Every page that a process writes to it writes to now, so that none is copied later.
static void own_pages(void) {
  extern char data_start[], end[];
  static volatile char *last;
  volatile char here[16 * PAGE];
  last = here; (void)last;
  for (long i = 0; i < 16 * PAGE; i += PAGE) here[i] = 1;
  for (volatile char *p = (char *)((long)data_start & -PAGE); p < end; p += PAGE) *p = *p;
}

static void spawn(const char *name, const char *group) {
  struct worker *w = &workers[nr_workers++];
  int to[2], from[2];
  char ready = 0;
  if (pipe(to) || pipe(from)) exit(1);
  strcpy(w->name, name);
  fflush(stdout);
  if (!(w->pid = fork())) {
    char path[256];
    snprintf(path, sizeof path, "%s%s/cgroup.procs", root, group);
    if (spit(path, "0")) _exit(1);
    close(to[1]);
    close(from[0]);
    anon = mmap(aligned(1L << 30), 1L << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    read_program();
    own_pages();
    drain();
    if (write(from[1], &ready, 1) == 1) live(to[0], from[1]);
    _exit(1);
  }
  close(to[0]);
  close(from[1]);
  w->to = to[1];
  w->from = from[0];
  if (read(w->from, &ready, 1) != 1) printf("{\"worker\":\"%s\",\"ready\":false}\n", name);
  own_pages();
  drain();
}

static void tell(struct worker *w, const char *command) {
  unsigned char status;
  if (write(w->to, command, strlen(command)) < 0 || read(w->from, &status, 1) != 1) {
    int how = 0;
    waitpid(w->pid, &how, 0);
    printf("{\"worker\":\"%s\",\"%s\":%d}\n", w->name, WIFSIGNALED(how) ? "signal" : "exit", WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
    return;
  }
  if (status) printf("{\"worker\":\"%s\",\"errno\":%d}\n", w->name, status);
}

// ------------------------------------------------------------------------------------------------ figures
static void lines(const char *group, const char *file, const char *prefix, const char *only) {
  char path[256], text[1 << 14];
  snprintf(path, sizeof path, "%s%s/%s", root, group, file);
  snprintf(text, sizeof text, "%s", slurp(path));
  for (char *line = strtok(text, "\n"); line; line = strtok(0, "\n")) {
    char *space = strchr(line, ' ');
    if (!space) {
      printf(",\"%s\":%s", prefix, line);
      continue;
    }
    *space = 0;
    char key[64];
    snprintf(key, sizeof key, " %s ", line);
    if (strcmp(space + 1, "0") && (!only || strstr(only, key))) printf(",\"%s%s\":%s", prefix, line, space + 1);
  }
}

static void show(const char *label, const char *group) {
  char path[256];
  // Reading cpu.stat flushes all that memory.stat is added up from.
  snprintf(path, sizeof path, "%s%s/cpu.stat", root, group);
  slurp(path);
  printf("{\"show\":\"%s\",\"cgroup\":\"%s\"", label, group);
  lines(group, "memory.current", "current", 0);
  lines(group, "memory.peak", "peak", 0);
  lines(group, "memory.swap.current", "swap", 0);
  lines(group, "memory.events", "events.", 0);
  lines(group, "memory.swap.events", "swap.events.", 0);
  lines(group, "memory.stat", "",
        " anon file kernel slab shmem file_mapped file_dirty file_writeback swapcached inactive_anon active_anon inactive_file"
        " active_file unevictable workingset_refault_anon workingset_refault_file workingset_activate_anon workingset_activate_file"
        " workingset_restore_anon workingset_restore_file workingset_nodereclaim pgscan pgsteal pgfault pgmajfault pgrefill"
        " pgactivate pgdeactivate ");
  printf("}\n");
}

static void group_make(const char *group) {
  char path[512], up[256];
  snprintf(up, sizeof up, "%s%s", root, group);
  *strrchr(up, '/') = 0;
  snprintf(path, sizeof path, "%s/cgroup.subtree_control", up);
  spit(path, "+memory");
  snprintf(path, sizeof path, "%s%s", root, group);
  mkdir(path, 0755);
}

static void file_make(const char *name, long pages) {
  int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
  for (long i = 0; i < pages; i += 64) if (write(fd, buffer, sizeof buffer) < 0) perror(name);
  if (ftruncate(fd, pages * PAGE)) perror(name);
  fsync(fd);
  close(fd);
}

int main(int argc, char **argv) {
  static char line[512], script[1 << 14], out[1 << 14];
  setvbuf(stdout, out, _IOLBF, sizeof out);
  read_program();
  show("start", "/");
  snprintf(script, sizeof script, "%s", slurp(argv[argc - 1]));
  for (char *next, *at = script; *at; at = next) {
    next = at + strcspn(at, "\n");
    if (*next) *next++ = 0;
    snprintf(line, sizeof line, "%s", at);
    line[strcspn(line, "#\n")] = 0;
    char whole[512], *arg[16] = {0};
    strcpy(whole, line);
    int n = 0;
    for (char *s = strtok(line, " "); s && n < 15; s = strtok(0, " ")) arg[n++] = s;
    if (!n) continue;
    struct worker *w = named(arg[0]);
    char path[256];
    if (w) {
      char *command = strchr(whole, ' ') + 1;
      tell(w, command);
    } else if (!strcmp(arg[0], "mkdir")) group_make(arg[1]);
    else if (!strcmp(arg[0], "file")) file_make(arg[1], atol(arg[2]));
    else if (!strcmp(arg[0], "spawn")) spawn(arg[1], arg[2]);
    else if (!strcmp(arg[0], "set")) {
      snprintf(path, sizeof path, "%s%s/%s", root, arg[1], arg[2]);
      int e = spit(path, arg[3]);
      if (e) printf("{\"set\":\"%s\",\"errno\":%d}\n", arg[2], -e);
    } else if (!strcmp(arg[0], "swapon")) {
      if (system("swapon /dev/ubdb")) perror("swapon");
    } else if (!strcmp(arg[0], "drop")) spit("/proc/sys/vm/drop_caches", arg[1]);
    else if (!strcmp(arg[0], "sync")) sync();
    else if (!strcmp(arg[0], "sleep")) usleep(1000 * atol(arg[1]));
    else if (!strcmp(arg[0], "show")) for (int i = 2; i < n; i++) show(arg[1], arg[i]);
    else printf("{\"unknown\":\"%s\"}\n", whole);
  }
  return 0;
}
