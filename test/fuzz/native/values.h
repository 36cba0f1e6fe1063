// JavaScript values for the parsing half of the addon, without Node. The fuzzer's bytes answer the Node-API calls of
// native/call.cc. The memory of each view is an allocation of exactly its size.
#ifndef BSD_SOCKETS_FUZZ_VALUES_H_
#define BSD_SOCKETS_FUZZ_VALUES_H_

#include <fuzzer/FuzzedDataProvider.h>
#include <node_api.h>

#include <memory>
#include <vector>

namespace fuzz {

struct Value {
  enum Kind { kUndefined, kNull, kNumber, kString, kTyped, kDataView, kArray };
  Kind kind = kUndefined;
  double number = 0;
  napi_typedarray_type type = napi_uint8_array;
  size_t length = 0;                  // in elements; in bytes for a DataView
  std::unique_ptr<uint8_t[]> memory;  // nullptr if detached
  std::vector<Value*> elements;
};

// The arguments of one call. Owns every value that is created for the call.
struct Call {
  std::vector<Value*> arguments;
  std::vector<std::unique_ptr<Value>> values;
  void* data = nullptr;
  bool thrown = false;

  Value* Make(Value::Kind kind);
  Value* Number(double number);
  Value* Bytes(napi_typedarray_type type, size_t length, FuzzedDataProvider& from);
};

// Returns an arbitrary value.
Value* Anything(Call& call, FuzzedDataProvider& from, int depth = 0);

}  // namespace fuzz

#endif  // BSD_SOCKETS_FUZZ_VALUES_H_
