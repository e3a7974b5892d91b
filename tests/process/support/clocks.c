/* Shifts the clocks that a process sees, while it runs. LD_PRELOAD loads it, so its functions replace those of libc.
 *
 * CLOCKS names a file of three signed 64-bit numbers in the machine's byte order: the seconds by which CLOCK_REALTIME
 * and CLOCK_BOOTTIME are shifted, and the nanoseconds by which CLOCK_MONOTONIC is shifted. The file is mapped, so the
 * process sees a change when it next reads a clock. Timers of the kernel are not shifted: after a suspension they
 * expire too early, and the code that set them reads the clock again.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define BILLION 1000000000

struct shifts {
    volatile int64_t realtime_s, boottime_s, monotonic_ns;
};

static const struct shifts *shifts;

__attribute__((constructor)) static void map_the_shifts(void) {
    const char *path = getenv("CLOCKS");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *shifts, PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) {
        perror("CLOCKS");
        abort();
    }
    close(file);
    shifts = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed || !shifts) return failed;
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        now->tv_sec += shifts->realtime_s;
        break;
    case CLOCK_BOOTTIME:
        now->tv_sec += shifts->boottime_s;
        break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE: {
        int64_t at = (int64_t)now->tv_sec * BILLION + now->tv_nsec + shifts->monotonic_ns;
        now->tv_sec = at / BILLION;
        now->tv_nsec = at % BILLION;
        break;
    }
    }
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec exact;
    int failed = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *copy) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (copy) *copy = now.tv_sec;
    return now.tv_sec;
}
