// Page-aligned memory for MSG_ZEROCOPY, handed to JavaScript as an external ArrayBuffer.
#ifndef BSD_SOCKETS_ZEROCOPY_MEMORY_H_
#define BSD_SOCKETS_ZEROCOPY_MEMORY_H_

#include <node_api.h>

namespace bsd {

// (size) -> ArrayBuffer, or undefined if there is no memory or the runtime allows no external buffers.
napi_value AllocateZeroCopy(napi_env env, napi_callback_info info);

}  // namespace bsd

#endif  // BSD_SOCKETS_ZEROCOPY_MEMORY_H_
