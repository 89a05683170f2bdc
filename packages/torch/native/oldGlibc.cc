// What newer versions of glibc and libstdc++ call by a new version's name, by the name that glibc 2.28 and the libstdc++ of GCC 8 have too:
// those that libtorch itself asks for. So an addon compiled on a newer system loads on an older one; symbols.mjs holds it to that.
#include <cstdlib>

#if defined(__GLIBC__) && defined(__GLIBCXX__) && (defined(__x86_64__) || defined(__aarch64__)) && !defined(__SANITIZE_ADDRESS__)
#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

#include <condition_variable>
#include <mutex>

#ifdef __x86_64__
#define FIRST_GLIBC "GLIBC_2.2.5"
#else
#define FIRST_GLIBC "GLIBC_2.17"
#endif
#define OLD(alias, symbol, version) __asm__(".symver " #alias ", " symbol "@" version)
#define HERE __attribute__((visibility("hidden")))

OLD(oldDlopen, "dlopen", FIRST_GLIBC);
OLD(oldDlerror, "dlerror", FIRST_GLIBC);
OLD(oldDladdr, "dladdr", FIRST_GLIBC);
OLD(oldDlsym, "dlsym", FIRST_GLIBC);
OLD(oldOnce, "pthread_once", FIRST_GLIBC);
#define WAIT "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE"
OLD(oldWait, WAIT, "GLIBCXX_3.4.11");

extern "C" {

void* oldDlopen(const char*, int) noexcept;
char* oldDlerror() noexcept;
int oldDladdr(const void*, Dl_info*) noexcept;
void* oldDlsym(void*, const char*) noexcept;
int oldOnce(pthread_once_t*, void (*)());
void oldWait(std::condition_variable*, std::unique_lock<std::mutex>*);

HERE void newWait(std::condition_variable*, std::unique_lock<std::mutex>*) __asm__(WAIT);
void newWait(std::condition_variable* condition, std::unique_lock<std::mutex>* lock) { oldWait(condition, lock); }
HERE void* dlopen(const char* file, int mode) noexcept { return oldDlopen(file, mode); }
HERE char* dlerror() noexcept { return oldDlerror(); }
HERE int dladdr(const void* address, Dl_info* info) noexcept { return oldDladdr(address, info); }
HERE void* dlsym(void* library, const char* name) noexcept { return oldDlsym(library, name); }
HERE int pthread_once(pthread_once_t* once, void (*work)()) { return oldOnce(once, work); }

// Of glibc 2.32: whether reference counts may do without atomics. Never, says the first.
HERE char __libc_single_threaded = 0;

// Of glibc 2.30. Without it libstdc++ waits by the system's clock too, and looks at the other one afterwards.
HERE int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock, const timespec* until) {
  timespec here, system;
  clock_gettime(clock, &here);
  clock_gettime(CLOCK_REALTIME, &system);
  system.tv_sec += until->tv_sec - here.tv_sec;
  system.tv_nsec += until->tv_nsec - here.tv_nsec;
  for (; system.tv_nsec < 0; system.tv_nsec += 1'000'000'000) system.tv_sec--;
  for (; system.tv_nsec >= 1'000'000'000; system.tv_nsec -= 1'000'000'000) system.tv_sec++;
  return pthread_cond_timedwait(condition, mutex, &system);
}
}
#endif
