/* scan.h - how much there will be to sum: counted by a task beside the run, for the progress line. */
#ifndef EXSUM_SCAN_H
#define EXSUM_SCAN_H

#include <dirent.h>
#include <executor/executor.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_DEPTH_MOST 128 /* as many directories are open at once; what is deeper is not counted to its end */

struct scan {
        exec_future *task; /* NULL: none was started */
        char **names;
        uint64_t n_files, n_bytes; /* the task's, until it is done */
        size_t depth;
        DIR *directories[SCAN_DEPTH_MOST];
};

/* scan_start - count what is in @names, up to a NULL. */
void scan_start(struct scan *scan, char **names);

/* scan_stop - in every case before the scan goes; also where none was started, when all in it is 0. */
void scan_stop(struct scan *scan);

/* Is all counted? Then n_files and n_bytes may be read. */
bool scan_is_complete(const struct scan *scan);

#endif
