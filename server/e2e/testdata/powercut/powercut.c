/*
 * powercut.so, preloaded into a process, lets a test take its power away.
 *
 * A write reaches the page cache at once, and the disk only when the file is synced. A kill loses nothing of the page
 * cache, so it proves nothing about syncing. This library therefore keeps, for each file below POWERCUT_DATA, a journal
 * in POWERCUT_JOURNAL: before a write or a truncation it appends what that is about to destroy, and a sync of the file
 * empties the file's journal. Whoever kills the process then undoes the journals, newest record first, and has what a
 * disk would hold that had kept nothing but what was synced.
 *
 * With POWERCUT_AT=n the process kills itself just before the n-th of these operations since a file "armed" is in
 * POWERCUT_JOURNAL: at a point inside a commit that a kill from outside hardly ever meets. POWERCUT_ON=suffix counts only
 * files whose path ends so.
 *
 * A journal holds the path, a line feed, and records in the machine's byte order:
 *     u64 offset, u64 length of the old bytes, u64 size of the file before, the old bytes
 * The making and removing of files counts as durable at once; only content is undone. SQLite's -shm is left out, since
 * every start builds it anew. What SQLite does not do today, such as writing through a map, ends the process rather than
 * pass unnoticed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_FD = 4096, MAX_FILES = 4096, CHUNK = 64 * 1024 };

struct file {
    dev_t device;
    ino_t inode;
    int journal;
    off_t begin;  /* of the records in the journal */
    int pending;  /* there are records */
    int removed;
    int counted; /* towards POWERCUT_AT */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[MAX_FILES];
static int file_count;
static int file_of_fd[MAX_FD]; /* index + 1 */
static const char *data_folder, *journal_folder, *counted_suffix;
static long operations, cut_at;
static char armed[4096];

static void die(const char *what) {
    dprintf(2, "powercut: %s: %s\n", what, strerror(errno));
    abort();
}

__attribute__((constructor)) static void start(void) {
    const char *at = getenv("POWERCUT_AT");
    data_folder = getenv("POWERCUT_DATA");
    journal_folder = getenv("POWERCUT_JOURNAL");
    counted_suffix = getenv("POWERCUT_ON");
    cut_at = at ? atol(at) : 0;
    if (!data_folder || !journal_folder) die("POWERCUT_DATA and POWERCUT_JOURNAL must be set");
    snprintf(armed, sizeof armed, "%s/armed", journal_folder);
}

/* --- the journal; what is called here goes to the kernel directly, so that it never comes back --- */

static void append(int journal, const void *bytes, size_t length) {
    const char *next = bytes;
    while (length > 0) {
        ssize_t n = syscall(SYS_write, journal, next, length);
        if (n <= 0) die("write journal");
        next += n;
        length -= (size_t)n;
    }
}

static void begin_journal(struct file *f, const char *path) {
    char name[4096];
    snprintf(name, sizeof name, "%s/%06d", journal_folder, (int)(f - files));
    f->journal = (int)syscall(SYS_openat, AT_FDCWD, name, O_CREAT | O_EXCL | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (f->journal < 0) die("make journal");
    append(f->journal, path, strlen(path));
    append(f->journal, "\n", 1);
    f->begin = (off_t)strlen(path) + 1;
}

/* Keeps what a change of the bytes [offset, offset + length), or of the size, destroys. */
static void keep(struct file *f, int fd, uint64_t offset, uint64_t length) {
    char chunk[CHUNK];
    struct stat s;
    if (fstat(fd, &s) != 0) die("stat");
    uint64_t size = (uint64_t)s.st_size, old = 0;
    if (offset < size) old = length < size - offset ? length : size - offset;
    uint64_t head[3] = {offset, old, size};
    append(f->journal, head, sizeof head);
    for (uint64_t done = 0; done < old;) {
        size_t want = old - done < CHUNK ? (size_t)(old - done) : CHUNK;
        ssize_t n = syscall(SYS_pread64, fd, chunk, want, (off_t)(offset + done));
        if (n <= 0) die("read old bytes");
        append(f->journal, chunk, (size_t)n);
        done += (uint64_t)n;
    }
    f->pending = 1;
}

static void forget(struct file *f) {
    if (f->pending && syscall(SYS_ftruncate, f->journal, f->begin) != 0) die("empty journal");
    f->pending = 0;
}

static void count_operation(const struct file *f) {
    if (cut_at == 0 || !f->counted) return;
    if (operations == 0 && syscall(SYS_faccessat, AT_FDCWD, armed, F_OK) != 0) return;
    if (++operations != cut_at) return;
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

/* --- which descriptor is which file --- */

static int ends_with(const char *path, const char *suffix) {
    size_t length = strlen(path), n = strlen(suffix);
    return length >= n && strcmp(path + length - n, suffix) == 0;
}

static int is_tracked(const char *path) {
    size_t n = strlen(data_folder);
    return strncmp(path, data_folder, n) == 0 && path[n] == '/' && !ends_with(path, "-shm");
}

static struct file *find(const struct stat *s) {
    for (int i = 0; i < file_count; i++)
        if (!files[i].removed && files[i].device == s->st_dev && files[i].inode == s->st_ino) return &files[i];
    return NULL;
}

static struct file *file_at(int fd) {
    if (fd < 0 || fd >= MAX_FD || file_of_fd[fd] == 0) return NULL;
    return &files[file_of_fd[fd] - 1];
}

/* A file that is opened twice has one journal. */
static int track(int fd, const char *path, int flags) {
    struct stat s;
    if (fd < 0 || !is_tracked(path)) return fd;
    if (fstat(fd, &s) != 0) die("stat");
    if (!S_ISREG(s.st_mode)) return fd;
    if (fd >= MAX_FD || (flags & O_TRUNC)) die("cannot follow this way of opening a file");
    pthread_mutex_lock(&lock);
    struct file *f = find(&s);
    if (!f) {
        if (file_count == MAX_FILES) die("too many files");
        f = &files[file_count++];
        f->device = s.st_dev;
        f->inode = s.st_ino;
        f->counted = !counted_suffix || ends_with(path, counted_suffix);
        begin_journal(f, path);
    }
    file_of_fd[fd] = (int)(f - files) + 1;
    pthread_mutex_unlock(&lock);
    return fd;
}

/* --- what SQLite calls --- */

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    return track((int)syscall(SYS_openat, folder, path, flags, mode), path, flags);
}

static mode_t mode_of(int flags, va_list arguments) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

#define WITH_MODE(call)                    \
    va_list arguments;                     \
    va_start(arguments, flags);            \
    mode_t mode = mode_of(flags, arguments); \
    va_end(arguments);                     \
    return call

int open(const char *path, int flags, ...) { WITH_MODE(open_at(AT_FDCWD, path, flags, mode)); }
int open64(const char *path, int flags, ...) { WITH_MODE(open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode)); }
int openat(int folder, const char *path, int flags, ...) { WITH_MODE(open_at(folder, path, flags, mode)); }
int openat64(int folder, const char *path, int flags, ...) { WITH_MODE(open_at(folder, path, flags | O_LARGEFILE, mode)); }

int close(int fd) {
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < MAX_FD) file_of_fd[fd] = 0;
    pthread_mutex_unlock(&lock);
    return (int)syscall(SYS_close, fd);
}

/* Does one change with the lock held: no sync of the file can come between the record and the change. */
#define CHANGE(fd, offset, length, call)                   \
    pthread_mutex_lock(&lock);                             \
    struct file *f = file_at(fd);                          \
    if (f) {                                               \
        count_operation(f);                                \
        keep(f, fd, (uint64_t)(offset), (uint64_t)(length)); \
    }                                                      \
    if (!f) pthread_mutex_unlock(&lock);                   \
    long result = call;                                    \
    if (f) pthread_mutex_unlock(&lock);                    \
    return result

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    CHANGE(fd, offset, length, syscall(SYS_pwrite64, fd, bytes, length, offset));
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    CHANGE(fd, offset, length, syscall(SYS_pwrite64, fd, bytes, length, offset));
}
ssize_t write(int fd, const void *bytes, size_t length) {
    CHANGE(fd, syscall(SYS_lseek, fd, 0, SEEK_CUR), length, syscall(SYS_write, fd, bytes, length));
}
int ftruncate(int fd, off_t size) { CHANGE(fd, size, UINT64_MAX, (int)syscall(SYS_ftruncate, fd, size)); }
int ftruncate64(int fd, off64_t size) { CHANGE(fd, size, UINT64_MAX, (int)syscall(SYS_ftruncate, fd, size)); }

static int synced(int fd, long call) {
    pthread_mutex_lock(&lock);
    struct file *f = file_at(fd);
    if (f) count_operation(f);
    int result = (int)syscall(call, fd);
    if (f && result == 0) forget(f);
    pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static void removed(int folder, const char *path) {
    struct stat s;
    if (!is_tracked(path) || syscall(SYS_newfstatat, folder, path, &s, AT_SYMLINK_NOFOLLOW) != 0) return;
    struct file *f = find(&s);
    if (!f) return;
    forget(f);
    f->removed = 1;
}

static int unlink_at(int folder, const char *path, int flags) {
    pthread_mutex_lock(&lock);
    removed(folder, path);
    int result = (int)syscall(SYS_unlinkat, folder, path, flags);
    pthread_mutex_unlock(&lock);
    return result;
}

int unlink(const char *path) { return unlink_at(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char *path, int flags) { return unlink_at(folder, path, flags); }

/* --- what SQLite does not call: better an end than a hole in the journal --- */

static void refuse_fd(int fd, const char *what) {
    if (file_at(fd)) die(what);
}

int rename(const char *from, const char *to) {
    if (is_tracked(from) || is_tracked(to)) die("rename is not journaled");
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
    refuse_fd(fd, "fallocate is not journaled");
    return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}
int posix_fallocate(int fd, off_t offset, off_t length) {
    refuse_fd(fd, "posix_fallocate is not journaled");
    return syscall(SYS_fallocate, fd, 0, offset, length) == 0 ? 0 : errno;
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return fallocate(fd, mode, offset, length); }
int posix_fallocate64(int fd, off64_t offset, off64_t length) { return posix_fallocate(fd, offset, length); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
    refuse_fd(fd, "writev is not journaled");
    return syscall(SYS_writev, fd, parts, count);
}

static void *map(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
    if ((flags & MAP_SHARED) && (protection & PROT_WRITE)) refuse_fd(fd, "a shared map is not journaled");
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    return map(address, length, protection, flags, fd, offset);
}
void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
    return map(address, length, protection, flags, fd, offset);
}
