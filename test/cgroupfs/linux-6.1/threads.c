// threads N: a process with N more threads that wait; on SIGUSR1 the leader ends, and they go on.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
static void *wait_forever(void *p) { for (;;) pause(); return p; }
static volatile int ended;
static void end(int s) { ended = 1; (void)s; }
int main(int argc, char **argv) {
  pthread_t t;
  sigset_t usr1; sigemptyset(&usr1); sigaddset(&usr1, SIGUSR1);
  sigprocmask(SIG_BLOCK, &usr1, 0);
  for (int n = argc > 1 ? atoi(argv[1]) : 1; n > 0; n--) pthread_create(&t, 0, wait_forever, 0);
  signal(SIGUSR1, end);
  sigprocmask(SIG_UNBLOCK, &usr1, 0);
  while (!ended) pause();
  pthread_exit(0);
}
