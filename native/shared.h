// The memory that C++ and TypeScript share, and the meaning of each integer in it. lib/binding/shared.ts has the same
// numbers; it compares them with kSharedLayout when the addon is loaded.
//
//   table        Int32Array, kSlotStride integers for each slot: known readiness, armed operations
//   completions  Int32Array, kRecordStride integers for each record: the results of one turn of the event loop
//   addresses    one sockaddr of kAddressSize bytes for each event of a turn, and one for direct calls
//   inbox        the bytes of the armed receives of one turn. TypeScript copies them before the next turn: to look up
//                the caller's buffer by Node-API would cost more than the system call
//   state        Int32Array: further results of a direct call. TypeScript reads them right after the call
#ifndef BSD_SOCKETS_SHARED_H_
#define BSD_SOCKETS_SHARED_H_

#include <cstdint>

namespace bsd {

constexpr int kAbi = 1;

// The fields of one slot in the table.
enum SlotField {
  kReadiness,   // bits of Readiness
  kReadOpcode,  // an armed read, see Opcode
  kReadFlags,   // MSG_* of the armed read
  kReadSize,    // bytes wanted
  kWriteOpcode,
  kErrorOpcode,  // an operation waits for the error queue
  kGeneration,   // of the slot: the upper part of its id. C++ writes it and never reads it
  kSlotStride,
};

enum Readiness {
  kDry = 1,         // nothing to read until the next edge
  kEnded = 2,       // the peer has sent its last byte: a short read no longer means kDry
  kMarked = 4,      // out-of-band data was seen: reads may stop at the mark
  kWatchAgain = 8,  // call Watch() before the next wait: it uses edges, or nothing watches it
};

enum Opcode {
  kIdle,
  kReady,        // report readiness only: TypeScript makes the attempt
  kReceive,      // recv into the inbox
  kReceiveFrom,  // recvfrom into the inbox
  kAccept,
  kDeferred,  // only in the table: TypeScript makes the attempt later, without an event
  kJob,       // only in records: a transfer has ended, and kRecordSlot is its ticket
  kLookup,    // only in records: a lookup has ended, and kRecordSlot is its ticket
};

// What a short read means on this kind of socket.
enum class Traits : uint8_t {
  kNone,        // nothing: only EAGAIN means that the receive queue is empty
  kStream,      // the receive queue is empty (TCP)
  kUnixStream,  // the receive queue is empty, unless a control message ended the read; see Slot::level
  kUnix,        // nothing; messages may carry descriptors
};

enum Direction { kRead, kWrite, kError };

enum RecordField {
  kRecordSlot,        // index of the slot, or the ticket of a job
  kRecordGeneration,  // of the slot when the record was made: differs if the slot was reused since
  kRecordDirection,
  kRecordOpcode,   // the attempt that was made; kReady leaves it to TypeScript
  kRecordResult,   // >= 0 or -errno
  kRecordWhere,    // inbox: offset of the bytes; accept: index of the new slot
  kRecordAddress,  // length of the sockaddr at addresses + kRecordEvent * kAddressSize
  kRecordEvent,
  kRecordMask,  // the event, bits of sys::EventMask
  kRecordStride,
};

enum StateField {
  kStateAddress,  // length of the sockaddr at addresses + kMaxEvents * kAddressSize
  kStateFlags,    // msg_flags of recvmsg; of sendfile a -errno, or kStopped
  kStateControl,  // msg_controllen of recvmsg
  kStateSlot,     // index of the new slot
  kStateFree,     // slots left in the table
  // the second descriptor (socketpair), index of the second slot (pipe), the step (socketIn), sys::Refusal (options,
  // ioctl)
  kStateSecond,
  kStateDevice,  // of the file (stat)
  kStateInode,   // and its inode number, in two halves
  kStateInodeHigh,
  kStateFields,
};

// The integers of one message of a batch. Its data, name and control messages are in other arrays.
enum BatchField {
  kBatchBytes,    // bytes to send, or received
  kBatchFlags,    // msg_flags
  kBatchName,     // length of the sockaddr, 0 for none
  kBatchControl,  // length of the control messages
  kBatchStride,
};

// What sendfile does with a part of a file that is not in the page cache: it stops before the part, or it stops unless the
// kernel cannot tell, or the kernel reads the part.
enum Uncached { kUncachedStop, kUncachedUnknown, kUncachedRead };

// kStateFlags after a sendfile that has stopped before such a part, and has sent nothing.
constexpr int kStopped = 1;

constexpr int kMaxEvents = 256;  // at most so many events in one turn of the event loop
constexpr int kMaxRecords = kMaxEvents * 3;
constexpr int kAddressSize = 128;  // sizeof(sockaddr_storage) on every system
constexpr int kInboxSize = 128 * 1024;
// Messages in shared memory begin at multiples of this, so that any typed array can view one.
constexpr int kAlignment = 8;
// TypeScript copies a received message of at least so many bytes alone.
constexpr int kLarge = 4096;

// The id of a slot: its index in the lower 22 bits, its generation in the 31 bits above. Each reuse adds 1 to the
// generation.
constexpr int kIndexBits = 22;
constexpr uint32_t kIndexMask = (1U << kIndexBits) - 1;
constexpr uint32_t kGenerationMask = (1U << 31) - 1;

// clang-format off
constexpr int kSharedLayout[] = {
    kAbi, kSlotStride, kReadiness, kReadOpcode, kReadFlags, kReadSize, kWriteOpcode, kErrorOpcode,
    kGeneration, kDry, kEnded, kMarked, kWatchAgain, kReady, kReceive, kReceiveFrom, kAccept, kDeferred, kJob, kLookup,
    kRecordSlot, kRecordGeneration, kRecordDirection, kRecordOpcode, kRecordResult, kRecordWhere, kRecordAddress,
    kRecordEvent, kRecordMask, kRecordStride, kStateAddress, kStateFlags, kStateControl, kStateSlot,
    kStateFree, kStateSecond, kStateDevice, kStateInode, kStateInodeHigh, kMaxEvents, kAddressSize, kInboxSize, kAlignment, kLarge, kIndexBits,
    static_cast<int>(Traits::kNone), static_cast<int>(Traits::kStream),
    static_cast<int>(Traits::kUnixStream), static_cast<int>(Traits::kUnix),
    kBatchBytes, kBatchFlags, kBatchName, kBatchControl, kBatchStride,
    kUncachedStop, kUncachedUnknown, kUncachedRead, kStopped,
};
// clang-format on

}  // namespace bsd

#endif  // BSD_SOCKETS_SHARED_H_
