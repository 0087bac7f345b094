/* Preloaded into a process, makes system calls fail as they do on some file systems: REFUSED holds pairs such as "link=1 flock=38". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static int refused(const char *name) {
    const char *place = getenv("REFUSED");
    size_t length = strlen(name);
    for (; place && *place; place++)
        if (!strncmp(place, name, length) && place[length] == '=') {
            errno = atoi(place + length + 1);
            return 1;
        }
    return 0;
}

#define NEXT(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))
#define REFUSE(kind, name, parameters, arguments) \
    int name parameters { return refused(kind) ? -1 : NEXT(name) arguments; }

REFUSE("chmod", chmod, (const char *path, mode_t mode), (path, mode))
REFUSE("chmod", fchmod, (int file, mode_t mode), (file, mode))
REFUSE("chmod", fchmodat, (int folder, const char *path, mode_t mode, int flags), (folder, path, mode, flags))
REFUSE("link", link, (const char *from, const char *to), (from, to))
REFUSE("link", linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags))
REFUSE("utime", utimensat, (int folder, const char *path, const struct timespec t[2], int flags), (folder, path, t, flags))
REFUSE("utime", futimens, (int file, const struct timespec t[2]), (file, t))
REFUSE("fsync", fsync, (int file), (file))
REFUSE("fsync", fdatasync, (int file), (file))
REFUSE("lock", flock, (int file, int operation), (file, operation))

static int is_lock(int command) { return command == F_SETLK || command == F_SETLKW || command == F_GETLK; }

#define FCNTL(name)                                            \
    int name(int file, int command, ...) {                     \
        va_list list;                                          \
        va_start(list, command);                               \
        void *argument = va_arg(list, void *);                 \
        va_end(list);                                          \
        if (is_lock(command) && refused("lock")) return -1;    \
        return NEXT(name)(file, command, argument);            \
    }

FCNTL(fcntl)
FCNTL(fcntl64)
