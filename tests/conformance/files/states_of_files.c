/* stat in its variants, statx, access, chmod, utimens, and extended attributes where the file system has them.
 * calls: statx faccessat fchmod utimensat */
#include "../crew.h"
#include "scratch.h"
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

/* As the kernel has it; musl 1.2.3 does not. */
struct extended {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t links, uid, gid;
    uint16_t mode, padding;
    uint64_t inode, size, blocks, attributes_mask;
    struct {
        int64_t seconds;
        uint32_t nanoseconds, padding;
    } accessed, born, changed, modified;
    uint32_t rest[32];
};
_Static_assert(sizeof(struct extended) == 256, "the kernel's size");

enum { CREW = 2 };
static char name[40], linked[48];
static int file;

static void same(const struct stat *a, const struct stat *b) {
    check(a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size && a->st_mode == b->st_mode);
    check(a->st_nlink == b->st_nlink && a->st_uid == b->st_uid && a->st_blocks == b->st_blocks);
    check(a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec);
}

static void work(int me) {
    if (me == 0) {
        check(write(file, "0123456789", 10) == 10);
        check(fchmod(file, 0640) == 0 && symlink(name, linked) == 0);
        struct timespec times[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
        check(utimensat(AT_FDCWD, name, times, 0) == 0);
    }
    meet();
    struct stat by_name, by_link, by_file, link_itself;
    check(stat(name, &by_name) == 0 && stat(linked, &by_link) == 0 && fstat(file, &by_file) == 0);
    check(lstat(linked, &link_itself) == 0);
    same(&by_name, &by_link);
    same(&by_name, &by_file);
    check(by_name.st_size == 10 && (by_name.st_mode & 07777) == 0640 && S_ISREG(by_name.st_mode));
    check(by_name.st_mtim.tv_sec == 1100000000 && by_name.st_atim.tv_sec == 1000000000);
    check(S_ISLNK(link_itself.st_mode) && link_itself.st_size == (off_t)strlen(name));
    struct extended extended;
    check(syscall(SYS_statx, AT_FDCWD, name, 0, 0x7ff, &extended) == 0);
    check(extended.inode == by_name.st_ino && extended.size == 10 && extended.modified.seconds == 1100000000);
    struct statfs system;
    check(fstatfs(file, &system) == 0 && system.f_bsize > 0);
    check(faccessat(AT_FDCWD, name, R_OK | W_OK, 0) == 0);
    check(faccessat(AT_FDCWD, "none", F_OK, 0) == -1 && errno == ENOENT);
    meet();
}

BODY {
    strcpy(name, "conform.XXXXXX");
    file = mkstemp(name);
    check(file >= 0);
    snprintf(linked, sizeof linked, "%s.link", name);
    crew(CREW, work);
    char value[16];
    if (setxattr(name, "user.conform", "value", 5, 0) == 0) {
        check(getxattr(linked, "user.conform", value, sizeof value) == 5 && memcmp(value, "value", 5) == 0);
        check(getxattr(name, "user.conform", value, 3) == -1 && errno == ERANGE);
        check(fremovexattr(file, "user.conform") == 0);
    } else {
        check(errno == EOPNOTSUPP);
    }
    check(getxattr(name, "user.conform", value, sizeof value) == -1 && (errno == ENODATA || errno == EOPNOTSUPP));
    check(unlink(name) == 0 && unlink(linked) == 0);
    say("all variants agree");
}
