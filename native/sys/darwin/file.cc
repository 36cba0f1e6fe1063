#include "../platform.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

namespace bsd::sys {

int64_t SendFile(int socket, int file, int64_t* offset, int64_t count) {
  if (count == 0) return 0;  // on Darwin a count of 0 means up to the end of the file
  off_t position = offset != nullptr ? *offset : lseek(file, 0, SEEK_CUR);
  if (position < 0) return offset != nullptr ? -EINVAL : -errno;
  off_t length = count;
  const int result = sendfile(file, socket, position, &length, nullptr, 0);
  // With EAGAIN and EINTR `length` is the number of bytes sent. Without it the same bytes would be sent again.
  if (result < 0 && !((errno == EAGAIN || errno == EINTR) && length > 0)) return -errno;
  if (offset != nullptr) {
    *offset += length;
  } else {
    lseek(file, length, SEEK_CUR);
  }
  return length;
}

int64_t CopyFile(int, int, int64_t*, int64_t) { return -EINVAL; }

int Resident(int, int64_t, int64_t) { return -ENOSYS; }

int Pipe(int[2], int) { return -ENOSYS; }

const unsigned kSpliceFlags = 0;

int64_t Splice(int, int64_t*, int, int64_t*, size_t, unsigned) { return -ENOSYS; }

}  // namespace bsd::sys
