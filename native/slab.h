// Page-aligned memory for MSG_ZEROCOPY, handed to JavaScript as an external ArrayBuffer.
#ifndef BSD_SOCKETS_SLAB_H_
#define BSD_SOCKETS_SLAB_H_

#include <node_api.h>

namespace bsd {

// (size) -> ArrayBuffer, or undefined where there is no memory or the runtime allows no external buffers.
napi_value AllocateSlab(napi_env env, napi_callback_info info);

}  // namespace bsd

#endif  // BSD_SOCKETS_SLAB_H_
