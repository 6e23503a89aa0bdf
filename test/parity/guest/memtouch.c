// memtouch [-d] anon SIZE | read PATH SIZE | write PATH SIZE | shm KEY SIZE
//
// Makes a mapping of SIZE bytes and touches one byte of each of its pages, from the first to the last: anon private memory; a file's pages
// by reads, or (after setting the file's length) by writes; a System V segment by writes. With -d a child does it, in a session of
// its own, and then holds the memory until it is killed; its pid is printed as soon as every page is touched.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static int fail(const char *what) {
  perror(what);
  return 1;
}

// A number of bytes with an optional k, m or g, each in powers of 1024.
static long long bytes_of(const char *text) {
  char *rest;
  long long value = strtoll(text, &rest, 10);
  switch (*rest) {
    case 'g':
    case 'G':
      value <<= 10;
      // fall through
    case 'm':
    case 'M':
      value <<= 10;
      // fall through
    case 'k':
    case 'K':
      value <<= 10;
  }
  return value;
}

// Maps and touches; 0, or the status to exit with.
static int touch(char **argument) {
  const char *kind = argument[0];
  int by_write = strcmp(kind, "read") != 0;
  long long size;
  char *memory;
  if (strcmp(kind, "anon") == 0) {
    size = bytes_of(argument[1]);
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED) madvise(memory, size, MADV_NOHUGEPAGE);
  } else if (strcmp(kind, "shm") == 0) {
    size = bytes_of(argument[2]);
    int segment = shmget(atoi(argument[1]), size, IPC_CREAT | 0600);
    if (segment < 0) return fail("memtouch: shmget");
    memory = shmat(segment, NULL, 0);
  } else {
    size = bytes_of(argument[2]);
    int file = open(argument[1], by_write ? O_RDWR | O_CREAT : O_RDONLY, 0600);
    if (file < 0) return fail(argument[1]);
    if (by_write && ftruncate(file, size) < 0) return fail("memtouch: ftruncate");
    memory = mmap(NULL, size, by_write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file, 0);
    // One fault, one page: no readahead.
    if (memory != MAP_FAILED) madvise(memory, size, MADV_RANDOM);
  }
  if (memory == MAP_FAILED) return fail("memtouch: map");
  volatile char seen;
  for (long long at = 0; at < size; at += PAGE) {
    if (by_write) memory[at] = 1;
    else seen = memory[at];
  }
  (void)seen;
  return 0;
}

int main(int count, char **argument) {
  int stay = count > 1 && strcmp(argument[1], "-d") == 0;
  argument += 1 + stay;
  count -= 1 + stay;
  if (count < 2 || (strcmp(argument[0], "anon") != 0 && count < 3)) {
    fprintf(stderr, "usage: memtouch [-d] anon SIZE | read PATH SIZE | write PATH SIZE | shm KEY SIZE\n");
    return 2;
  }
  if (!stay) return touch(argument);

  int ready[2];
  if (pipe(ready) < 0) return 1;
  pid_t child = fork();
  if (child == 0) {
    setsid();
    char status = touch(argument);
    if (write(ready[1], &status, 1) != 1 || status != 0) return 1;
    close(0);
    close(1);
    close(2);
    for (;;) pause();
  }
  close(ready[1]);
  char status;
  if (read(ready[0], &status, 1) != 1) {
    waitpid(child, NULL, 0);
    fprintf(stderr, "memtouch: killed\n");
    return 137;
  }
  if (status != 0) return status;
  printf("%d\n", child);
  return 0;
}
