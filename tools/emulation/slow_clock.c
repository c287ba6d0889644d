/* Time that goes by more slowly, for every program that is started with this library preloaded.

   The C library's functions that read a clock or wait for one are replaced: clocks go on at
   TRUEQUE_CLOCK_RATE of their speed since TRUEQUE_CLOCK_REAL_NS and TRUEQUE_CLOCK_STEADY_NS, the
   moments at which `python -m tools.emulation.slow_clock` started; waits last accordingly longer.
   Clocks of processors and processes are left alone. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define KERNEL_SIGNALS 8 /* bytes of the kernel's signal set */
#define NEWEST_MONOTONIC_S 1000000000LL /* a moment beyond it is one of the calendar */

static double rate = 1;
static int64_t real_ns, steady_ns;

static int64_t setting(const char *name)
{
    const char *text = getenv(name);
    return text ? atoll(text) : 0;
}

__attribute__((constructor)) static void read_settings(void)
{
    const char *text = getenv("TRUEQUE_CLOCK_RATE");
    real_ns = setting("TRUEQUE_CLOCK_REAL_NS");
    steady_ns = setting("TRUEQUE_CLOCK_STEADY_NS");
    rate = text && real_ns && steady_ns && atof(text) > 0 ? atof(text) : 1;
}

static int is_calendar(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

static int is_slow(clockid_t clock)
{
    return is_calendar(clock) || clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW ||
           clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME;
}

static int64_t ns_of(const struct timespec *at)
{
    return at->tv_sec * SECOND + at->tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
    if (ns < 0)
        ns = 0;
    return (struct timespec){ns / SECOND, ns % SECOND};
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec at;
    syscall(SYS_clock_gettime, clock, &at);
    int64_t start = is_calendar(clock) ? real_ns : steady_ns;
    return rate == 1 ? ns_of(&at) : start + (int64_t)((ns_of(&at) - start) * rate);
}

/* A slow clock's moment as the kernel's. */
static struct timespec moment(const struct timespec *at, int of_calendar)
{
    int64_t start = of_calendar ? real_ns : steady_ns;
    return rate == 1 ? *at : timespec_of(start + (int64_t)((ns_of(at) - start) / rate));
}

static struct timespec span(const struct timespec *lasting)
{
    return timespec_of((int64_t)(ns_of(lasting) / rate));
}

static int span_ms(int lasting_ms)
{
    return lasting_ms > 0 ? (int)(lasting_ms / rate) : lasting_ms;
}

/* Clocks */

int clock_gettime(clockid_t clock, struct timespec *at)
{
    if (!is_slow(clock))
        return syscall(SYS_clock_gettime, clock, at);
    *at = timespec_of(now_ns(clock));
    return 0;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    (void)zone;
    int64_t ns = now_ns(CLOCK_REALTIME);
    *at = (struct timeval){ns / SECOND, ns % SECOND / 1000};
    return 0;
}

time_t time(time_t *at)
{
    time_t now_s = now_ns(CLOCK_REALTIME) / SECOND;
    if (at)
        *at = now_s;
    return now_s;
}

/* Sleep */

int nanosleep(const struct timespec *lasting, struct timespec *left)
{
    struct timespec longer = span(lasting);
    int result = syscall(SYS_nanosleep, &longer, left);
    if (result && left)
        *left = timespec_of((int64_t)(ns_of(left) * rate));
    return result;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *at, struct timespec *left)
{
    struct timespec until = *at;
    if (is_slow(clock))
        until = flags & TIMER_ABSTIME ? moment(at, is_calendar(clock)) : span(at);
    return syscall(SYS_clock_nanosleep, clock, flags, &until, left) ? errno : 0;
}

int usleep(useconds_t us)
{
    struct timespec lasting = {us / 1000000, us % 1000000 * 1000};
    return nanosleep(&lasting, NULL);
}

unsigned sleep(unsigned seconds)
{
    struct timespec lasting = {seconds, 0}, left;
    return nanosleep(&lasting, &left) ? left.tv_sec : 0;
}

/* Waits for files */

int poll(struct pollfd *files, nfds_t count, int lasting_ms)
{
    return syscall(SYS_poll, files, count, span_ms(lasting_ms));
}

int ppoll(struct pollfd *files, nfds_t count, const struct timespec *lasting, const sigset_t *mask)
{
    struct timespec longer = lasting ? span(lasting) : (struct timespec){0};
    return syscall(SYS_ppoll, files, count, lasting ? &longer : NULL, mask, KERNEL_SIGNALS);
}

int pselect(int most, fd_set *in, fd_set *out, fd_set *odd, const struct timespec *lasting,
            const sigset_t *mask)
{
    struct timespec longer = lasting ? span(lasting) : (struct timespec){0};
    struct { const sigset_t *mask; size_t size; } signals = {mask, KERNEL_SIGNALS};
    return syscall(SYS_pselect6, most, in, out, odd, lasting ? &longer : NULL, &signals);
}

int select(int most, fd_set *in, fd_set *out, fd_set *odd, struct timeval *lasting)
{
    if (!lasting)
        return pselect(most, in, out, odd, NULL, NULL);
    struct timespec at = {lasting->tv_sec, lasting->tv_usec * 1000};
    return pselect(most, in, out, odd, &at, NULL);
}

int epoll_pwait(int file, struct epoll_event *events, int most, int lasting_ms,
                const sigset_t *mask)
{
    return syscall(SYS_epoll_pwait, file, events, most, span_ms(lasting_ms), mask, KERNEL_SIGNALS);
}

int epoll_wait(int file, struct epoll_event *events, int most, int lasting_ms)
{
    return epoll_pwait(file, events, most, lasting_ms, NULL);
}

/* Waits of threads for each other */

int sem_timedwait(sem_t *semaphore, const struct timespec *at)
{
    int (*next)(sem_t *, const struct timespec *) = dlsym(RTLD_NEXT, "sem_timedwait");
    struct timespec until = moment(at, 1);
    return next(semaphore, &until);
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *at)
{
    int (*next)(sem_t *, clockid_t, const struct timespec *) = dlsym(RTLD_NEXT, "sem_clockwait");
    struct timespec until = moment(at, is_calendar(clock));
    return next(semaphore, clock, &until);
}

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
                           const struct timespec *at)
{
    int (*next)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *) =
        dlsym(RTLD_NEXT, "pthread_cond_clockwait");
    struct timespec until = moment(at, is_calendar(clock));
    return next(condition, mutex, clock, &until);
}

/* Which clock a condition has, the call does not say: the moment does. The version is that of the
   conditions of today; without it the loader hands out those of 1997. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *at)
{
    static int (*next)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    if (!next)
        next = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    if (!next)
        next = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    struct timespec until = moment(at, at->tv_sec > NEWEST_MONOTONIC_S);
    return next(condition, mutex, &until);
}
