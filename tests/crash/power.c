/* What a disk does to a program, for tests: preloaded before libc, for the files below one folder.
 *
 * A power cut: at the n-th write or sync the process ends, and below DISK_LEFT stands what a disk would hold then. What
 * was not synced is gone, or is there in parts: any of its 512-byte sectors, as the seed has it. A name (a new file, one
 * that was removed or renamed) is sure only once its folder was synced. Syncs themselves are not passed on: the machine
 * stays up, and nobody has to wait for a real disk.
 *
 * A disk that refuses: while the file DISK_SWITCH exists, whatever would write fails with the error DISK_ERROR.
 *
 * SQLite's `-shm` files are left out: they hold nothing, and are made anew after a crash. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SECTOR 512

/* Something that was written, or cut off, and not synced. */
struct piece {
    int cuts;
    off_t at;
    size_t length;
    struct piece *next;
    unsigned char bytes[];
};

/* What a disk holds of one file, and what it was told since. */
struct content {
    ino_t inode;
    unsigned char *bytes;
    size_t length;
    struct piece *first, **last;
};

/* A name in a folder; without content it is a folder itself. */
struct name {
    char path[PATH_MAX];
    struct content *content;
};

struct names {
    struct name *all;
    size_t count, room;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *root, *left, *refuse_while;
static int error;
static long to_go;
static unsigned long long chance;
static int root_is_sure;
static struct names sure;
static struct content **contents;
static size_t content_count;

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_mkdir)(const char *, mode_t);

static void *must(void *found) {
    if (!found) abort();
    return found;
}

static unsigned long long roll(void) {
    chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
    return chance;
}

static int ends_with(const char *path, const char *end) {
    size_t length = strlen(path), tail = strlen(end);
    return length >= tail && !strcmp(path + length - tail, end);
}

static int is_inside(const char *path) {
    size_t length = strlen(root);
    return !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

static int is_below(const char *path) {
    return is_inside(path) && !ends_with(path, "-shm");
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return length > 0;
}

static struct content *content_of(ino_t inode) {
    for (size_t n = 0; n < content_count; n++)
        if (contents[n]->inode == inode) return contents[n];
    struct content *made = must(calloc(1, sizeof *made));
    made->inode = inode, made->last = &made->first;
    contents = must(realloc(contents, (content_count + 1) * sizeof *contents));
    return contents[content_count++] = made;
}

static void put(struct content *to, const unsigned char *bytes, size_t length, off_t at) {
    if (to->length < at + length) {
        to->bytes = must(realloc(to->bytes, at + length));
        memset(to->bytes + to->length, 0, at + length - to->length);
        to->length = at + length;
    }
    memcpy(to->bytes + at, bytes, length);
}

static void cut(struct content *to, size_t length) {
    if (to->length < length) {
        to->bytes = must(realloc(to->bytes, length));
        memset(to->bytes + to->length, 0, length - to->length);
    }
    to->length = length;
}

/* Hands the disk what it was told of a file: all of it, or what a power cut has let through. */
static void carry_out(struct content *of, unsigned in_sixteen) {
    for (struct piece *piece = of->first, *next; piece; piece = next) {
        next = piece->next;
        if (piece->cuts) {
            if (roll() % 16 < in_sixteen) cut(of, piece->at);
        } else {
            for (size_t from = 0, till; from < piece->length; from = till) {
                till = from + SECTOR - (piece->at + from) % SECTOR;
                if (till > piece->length) till = piece->length;
                if (roll() % 16 < in_sixteen) put(of, piece->bytes + from, till - from, piece->at + from);
            }
        }
        free(piece);
    }
    of->first = NULL, of->last = &of->first;
}

static void tell(int fd, const void *bytes, size_t length, off_t at, int cuts) {
    struct stat stat;
    if (fstat(fd, &stat)) return;
    struct content *of = content_of(stat.st_ino);
    struct piece *piece = must(calloc(1, sizeof *piece + length));
    piece->cuts = cuts, piece->at = at, piece->length = length;
    if (length) memcpy(piece->bytes, bytes, length);
    *of->last = piece, of->last = &piece->next;
}

static struct name *find(struct names *in, const char *path) {
    for (size_t n = 0; n < in->count; n++)
        if (!strcmp(in->all[n].path, path)) return &in->all[n];
    return NULL;
}

static void enter(struct names *into, const char *path, struct content *content) {
    struct name *found = find(into, path);
    if (!found) {
        if (into->count == into->room) {
            into->room = into->room * 2 + 16;
            into->all = must(realloc(into->all, into->room * sizeof *into->all));
        }
        found = &into->all[into->count++];
        snprintf(found->path, sizeof found->path, "%s", path);
    }
    found->content = content;
}

static void list(struct names *into, const char *folder, int deep) {
    DIR *open = opendir(folder);
    if (!open) return;
    for (struct dirent *entry; (entry = readdir(open));) {
        char path[PATH_MAX];
        struct stat stat;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || ends_with(entry->d_name, "-shm")) continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= PATH_MAX || lstat(path, &stat)) continue;
        enter(into, path, S_ISDIR(stat.st_mode) ? NULL : content_of(stat.st_ino));
        if (deep && S_ISDIR(stat.st_mode)) list(into, path, deep);
    }
    closedir(open);
}

static int is_in(const char *path, const char *folder) {
    size_t length = strlen(folder);
    return !strncmp(path, folder, length) && path[length] == '/' && !strchr(path + length + 1, '/');
}

static void sync_folder(const char *folder) {
    if (!strncmp(folder, root, strlen(folder)) && is_in(root, folder)) root_is_sure = 1;
    if (!is_below(folder)) return;
    size_t kept = 0;
    for (size_t n = 0; n < sure.count; n++)
        if (!is_in(sure.all[n].path, folder)) sure.all[kept++] = sure.all[n];
    sure.count = kept;
    list(&sure, folder, 0);
}

static int by_length(const void *one, const void *other) {
    return (int)strlen(((const struct name *)one)->path) - (int)strlen(((const struct name *)other)->path);
}

static void leave(struct names *names, unsigned in_sixteen) {
    /* a folder comes before what is in it */
    qsort(names->all, names->count, sizeof *names->all, by_length);
    for (size_t n = 0; n < names->count; n++) {
        char to[2 * PATH_MAX];
        struct name *name = &names->all[n];
        snprintf(to, sizeof to, "%s%s", left, name->path + strlen(root));
        if (!name->content) {
            real_mkdir(to, 0700);
            continue;
        }
        carry_out(name->content, in_sixteen);
        int fd = real_open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        /* where its folder is gone, so is the file */
        if (fd >= 0 && real_write(fd, name->content->bytes, name->content->length) != (ssize_t)name->content->length) abort();
    }
}

/* The power is gone. */
static void lose(void) {
    static const unsigned of_sixteen[] = {0, 16, 8, 14};
    unsigned in_sixteen = of_sixteen[roll() % 4];
    struct names now = {0}, stay = {0};
    list(&now, root, 1);
    if (root_is_sure || roll() % 16 < in_sixteen) {
        real_mkdir(left, 0700);
        for (size_t n = 0; n < sure.count; n++)
            if (find(&now, sure.all[n].path) || roll() % 16 >= in_sixteen) enter(&stay, sure.all[n].path, sure.all[n].content);
        for (size_t n = 0; n < now.count; n++) {
            struct name *known = find(&stay, now.all[n].path);
            if ((!known || known->content != now.all[n].content) && roll() % 16 < in_sixteen)
                enter(&stay, now.all[n].path, now.all[n].content);
        }
        leave(&stay, in_sixteen);
    }
    _exit(99);
}

static void tick(void) {
    if (to_go > 0 && --to_go == 0) lose();
}

static int is_refused(const char *path) {
    if (!error || !is_inside(path) || access(refuse_while, F_OK)) return 0;
    errno = error;
    return 1;
}

/* Whether writes to this are ours; the lock is held then. */
static int ours(int fd, char *path) {
    struct stat stat;
    if (!root || fstat(fd, &stat) || !S_ISREG(stat.st_mode) || !path_of(fd, path) || !is_below(path)) return 0;
    pthread_mutex_lock(&lock);
    tick();
    return 1;
}

__attribute__((constructor)) static void begin(void) {
    real_open = must(dlsym(RTLD_NEXT, "open"));
    real_openat = must(dlsym(RTLD_NEXT, "openat"));
    real_write = must(dlsym(RTLD_NEXT, "write"));
    real_writev = must(dlsym(RTLD_NEXT, "writev"));
    real_pwrite = must(dlsym(RTLD_NEXT, "pwrite"));
    real_ftruncate = must(dlsym(RTLD_NEXT, "ftruncate"));
    real_fsync = must(dlsym(RTLD_NEXT, "fsync"));
    real_mkdir = must(dlsym(RTLD_NEXT, "mkdir"));
    const char *after = getenv("DISK_CUT_AFTER"), *seed = getenv("DISK_SEED"), *code = getenv("DISK_ERROR");
    left = getenv("DISK_LEFT"), refuse_while = getenv("DISK_SWITCH");
    to_go = after ? atol(after) : 0;
    chance = seed ? strtoull(seed, NULL, 10) * 0x9E3779B97F4A7C15ull + 1 : 1;
    error = code && refuse_while ? atoi(code) : 0;
    const char *folder = getenv("DISK_ROOT");
    if (!folder) return;
    root = folder;
    struct stat stat;
    root_is_sure = !lstat(root, &stat);
    list(&sure, root, 1);
    for (size_t n = 0; n < sure.count; n++) {
        int fd = sure.all[n].content ? real_open(sure.all[n].path, O_RDONLY) : -1;
        unsigned char bytes[65536];
        for (ssize_t got; fd >= 0 && (got = read(fd, bytes, sizeof bytes)) > 0;)
            put(sure.all[n].content, bytes, got, sure.all[n].content->length);
        if (fd >= 0) close(fd);
    }
}

static int opened(int at, const char *path, int flags, mode_t mode) {
    struct stat stat;
    int is_new = (flags & O_CREAT) && fstatat(at, path, &stat, 0);
    int writes = error == EROFS && (flags & (O_WRONLY | O_RDWR | O_CREAT));
    if (root && (is_new || writes) && is_refused(path)) return -1;
    int fd = real_openat(at, path, flags, mode);
    char found[PATH_MAX];
    if (fd < 0 || !root || !(is_new || (flags & O_TRUNC)) || !path_of(fd, found) || !is_below(found) || fstat(fd, &stat))
        return fd;
    pthread_mutex_lock(&lock);
    /* the number of a file that is gone may have been given again: this one is another */
    if (is_new) content_of(stat.st_ino)->inode = 0;
    else tell(fd, NULL, 0, 0, 1);
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags | O_LARGEFILE, mode); }

int mkdir(const char *path, mode_t mode) {
    return root && is_refused(path) ? -1 : real_mkdir(path, mode);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    char path[PATH_MAX];
    if (!ours(fd, path)) return real_write(fd, bytes, length);
    ssize_t written = is_refused(path) ? -1 : real_write(fd, bytes, length);
    if (written > 0) tell(fd, bytes, written, lseek(fd, 0, SEEK_CUR) - written, 0);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[PATH_MAX];
    /* what is written at once may be written in parts, too */
    if (count > 0 && root && path_of(fd, path) && is_below(path)) return write(fd, parts[0].iov_base, parts[0].iov_len);
    return real_writev(fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    char path[PATH_MAX];
    if (!ours(fd, path)) return real_pwrite(fd, bytes, length, at);
    ssize_t written = is_refused(path) ? -1 : real_pwrite(fd, bytes, length, at);
    if (written > 0) tell(fd, bytes, written, at, 0);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) { return pwrite(fd, bytes, length, at); }

int ftruncate(int fd, off_t length) {
    char path[PATH_MAX];
    if (!ours(fd, path)) return real_ftruncate(fd, length);
    int done = is_refused(path) ? -1 : real_ftruncate(fd, length);
    if (!done) tell(fd, NULL, 0, length, 1);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

int fsync(int fd) {
    char path[PATH_MAX];
    struct stat stat;
    if (!root || fstat(fd, &stat) || !path_of(fd, path)) return real_fsync(fd);
    int is_folder = S_ISDIR(stat.st_mode);
    if (!is_folder && !is_below(path)) return real_fsync(fd);
    pthread_mutex_lock(&lock);
    tick();
    int done = is_refused(path) ? -1 : 0;
    if (!done && is_folder) sync_folder(path);
    else if (!done) carry_out(content_of(stat.st_ino), 16);
    pthread_mutex_unlock(&lock);
    return done;
}

int fdatasync(int fd) { return fsync(fd); }
