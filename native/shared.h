// The memory that C++ and TypeScript share, and what each integer in it means. Its twin is
// lib/binding/shared.ts; kSharedLayout is compared with the twin when the addon is loaded.
//
//   table        Int32Array, kSlotStride integers a slot: remembered readiness, armed operations
//   completions  Int32Array, kRecordStride integers a record: what one turn of the loop brought
//   addresses    one sockaddr of kAddressSize bytes for each event of a turn, and one for direct calls
//   inbox        bytes of small receives, copied on at once by TypeScript: asking Node-API where the
//                caller's own buffer is costs more than a whole system call
//   state        Int32Array: results beside the return value, read at once by the caller
#ifndef BSD_SOCKETS_SHARED_H_
#define BSD_SOCKETS_SHARED_H_

#include <cstdint>

namespace bsd {

constexpr int kAbi = 1;

// One field of the table per slot, then the next slot.
enum SlotField {
  kReadiness,   // bits of Readiness
  kReadOpcode,  // an armed read, see Opcode
  kReadFlags,   // MSG_* of the armed read
  kReadSize,    // bytes wanted
  kWriteOpcode,
  kErrorOpcode,  // an operation waits for the error queue
  kGeneration,   // of the slot: with the index its id. C++ writes it, and never reads it
  kSlotStride,
};

enum Readiness {
  kDry = 1,        // nothing to read until the next edge
  kEnded = 2,      // the peer has sent its last byte: a short read proves nothing any more
  kMarked = 4,     // out-of-band data was seen: reads may stop at the mark
  kUsesEdges = 8,  // the level was given up: Watch() before the next wait
};

enum Opcode {
  kIdle,
  kReady,        // only say that it is ready: TypeScript runs the operation
  kReceive,      // recv into the inbox
  kReceiveFrom,  // recvfrom into the inbox
  kAccept,
  kJob,     // only in records: work on the thread pool has ended
  kLookup,  // likewise, and it belongs to no slot: kRecordSlot is its ticket
};

enum Direction { kRead, kWrite, kError };

enum RecordField {
  kRecordSlot,        // index of the slot
  kRecordGeneration,  // of the slot when the record was made: tells a reused slot apart
  kRecordDirection,
  kRecordOpcode,   // what was done: kReady leaves the operation to TypeScript
  kRecordResult,   // >= 0 or -errno
  kRecordWhere,    // inbox: offset of the bytes; accept: index of the new slot
  kRecordAddress,  // length of the sockaddr at addresses + kRecordEvent * kAddressSize
  kRecordEvent,
  kRecordMask,  // the event, bits of sys::EventMask
  kRecordStride,
};

enum StateField {
  kStateAddress,  // length of the sockaddr at addresses + kMaxEvents * kAddressSize
  kStateFlags,    // msg_flags of recvmsg
  kStateControl,  // msg_controllen of recvmsg
  kStateSlot,     // index of a slot that a call made
  kStateFree,     // slots left in the table
  // second result (socketpair), index of a second slot (pipe), step (socketIn), sys::Refusal (options, ioctl)
  kStateSecond,
  kStateFields,
};

// A message of a batch: kBatchStride integers beside its data, name and control.
enum BatchField {
  kBatchBytes,    // bytes to send, or received
  kBatchFlags,    // msg_flags
  kBatchName,     // length of the sockaddr, 0 for none
  kBatchControl,  // length of the control messages
  kBatchStride,
};

constexpr int kMaxEvents = 256;  // one turn of the loop serves no more
constexpr int kMaxRecords = kMaxEvents * 3;
constexpr int kAddressSize = 128;  // sizeof(sockaddr_storage) on every system
constexpr int kInboxSize = 128 * 1024;

// The id of a slot: its index and, above it, the generation that a reuse changes.
constexpr int kIndexBits = 22;
constexpr uint32_t kIndexMask = (1U << kIndexBits) - 1;
constexpr uint32_t kGenerationMask = (1U << 31) - 1;

// clang-format off
constexpr int kSharedLayout[] = {
    kAbi, kSlotStride, kReadiness, kReadOpcode, kReadFlags, kReadSize, kWriteOpcode, kErrorOpcode,
    kGeneration, kDry, kEnded, kMarked, kUsesEdges, kReady, kReceive, kReceiveFrom, kAccept, kJob, kLookup,
    kRecordSlot, kRecordGeneration, kRecordDirection, kRecordOpcode, kRecordResult, kRecordWhere, kRecordAddress,
    kRecordEvent, kRecordMask, kRecordStride, kStateAddress, kStateFlags, kStateControl, kStateSlot,
    kStateFree, kStateSecond, kMaxEvents, kAddressSize, kInboxSize, kIndexBits,
    kBatchBytes, kBatchFlags, kBatchName, kBatchControl, kBatchStride,
};
// clang-format on

}  // namespace bsd

#endif  // BSD_SOCKETS_SHARED_H_
