// cached PATH...: for each file its name, its length in bytes and the ranges of its pages that are in the page cache, as FIRST+COUNT. Static, so
// that asking does not change the answer.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int count, char **argument) {
  for (int i = 1; i < count; i++) {
    struct stat file;
    int fd = open(argument[i], O_RDONLY);
    if (fd < 0 || fstat(fd, &file) < 0) {
      perror(argument[i]);
      return 1;
    }
    long pages = (file.st_size + 4095) / 4096;
    void *at = mmap(NULL, file.st_size, PROT_READ, MAP_SHARED, fd, 0);
    unsigned char *present = malloc(pages + 1);
    if (at == MAP_FAILED || mincore(at, file.st_size, present) < 0) {
      perror(argument[i]);
      return 1;
    }
    present[pages] = 0;
    printf("%s %ld", argument[i], (long)file.st_size);
    for (long first = 0; first < pages; first++) {
      if (!(present[first] & 1)) continue;
      long end = first;
      while (present[end] & 1) end++;
      printf(" %ld+%ld", first, end - first);
      first = end;
    }
    printf("\n");
    munmap(at, file.st_size);
    free(present);
    close(fd);
  }
  return 0;
}
