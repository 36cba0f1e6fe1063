#include "call.h"

#include <algorithm>
#include <cstdio>

namespace bsd {

static constexpr char kParts[] = "an Array of Buffers, TypedArrays or DataViews";

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): napi_get_cb_info sets all of values_
Args::Args(napi_env env, napi_callback_info info) : env_(env) {
  void* data = nullptr;
  napi_get_cb_info(env, info, &count_, values_, nullptr, &data);
  count_ = std::min(count_, kMax);
  state_ = static_cast<Env*>(data);
}

bool Args::Present(size_t i) const {
  if (i >= count_) return false;
  napi_valuetype type = napi_undefined;
  napi_typeof(env_, values_[i], &type);
  return type != napi_undefined && type != napi_null;
}

void Args::ThrowType(const char* name, const char* expected) {
  if (failed_) return;
  failed_ = true;
  char text[160];
  snprintf(text, sizeof text, "The \"%s\" argument must be %s.", name, expected);
  napi_throw_type_error(env_, "ERR_INVALID_ARG_TYPE", text);
}

void Args::ThrowRange(const char* name, const char* range) {
  if (failed_) return;
  failed_ = true;
  char text[160];
  snprintf(text, sizeof text, "The value of \"%s\" is out of range. It must be %s.", name, range);
  napi_throw_range_error(env_, "ERR_OUT_OF_RANGE", text);
}

int64_t Args::Integer(size_t i, const char* name, int64_t min, int64_t max) {
  double value = 0;
  if (i >= count_ || napi_get_value_double(env_, values_[i], &value) != napi_ok) {
    ThrowType(name, "of type number");
    return 0;
  }
  const bool within = value >= static_cast<double>(min) && value <= static_cast<double>(max);
  if (!within || static_cast<double>(static_cast<int64_t>(value)) != value) {  // NaN is not within
    char range[96];
    snprintf(range, sizeof range, "an integer >= %lld and <= %lld", static_cast<long long>(min),
             static_cast<long long>(max));
    ThrowRange(name, range);
    return 0;
  }
  return static_cast<int64_t>(value);
}

int Args::Int(size_t i, const char* name) {
  return static_cast<int>(static_cast<uint32_t>(Integer(i, name, INT32_MIN, UINT32_MAX)));
}

SlotId Args::Id(size_t i, const char* name) {
  constexpr SlotId kMaxId = (SlotId{1} << 53) - 1;
  return Integer(i, name, -kMaxId, kMaxId);
}

int Args::Flags(size_t i) { return i < count_ ? Int(i, "flags") : 0; }

bool ReadBytes(napi_env env, napi_value value, Bytes* bytes) {
  napi_typedarray_type type = napi_uint8_array;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) == napi_ok) {
    constexpr size_t kElement[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 2};  // the last is Float16Array
    const auto kind = static_cast<size_t>(type);
    // uncovered: Node-API has no other type of element yet
    if (kind >= sizeof kElement / sizeof kElement[0]) return false;
    bytes->size = length * kElement[kind];
  } else if (napi_get_dataview_info(env, value, &bytes->size, &data, nullptr, nullptr) != napi_ok) {
    return false;
  }
  bytes->data = static_cast<uint8_t*>(data);
  if (data == nullptr) bytes->size = 0;  // detached
  return true;
}

Bytes Args::Buffer(size_t i, const char* name) {
  Bytes bytes;
  if (i >= count_ || !ReadBytes(env_, values_[i], &bytes)) {
    ThrowType(name, "an instance of Buffer, TypedArray or DataView");
  }
  return bytes;
}

Bytes Args::OptionalBuffer(size_t i, const char* name) {
  return Present(i) ? Buffer(i, name) : Bytes();
}

Out Args::Reference(size_t i, const char* name) {
  napi_typedarray_type type = napi_uint8_array;
  size_t length = 0;
  void* data = nullptr;
  if (i >= count_ ||
      napi_get_typedarray_info(env_, values_[i], &type, &length, &data, nullptr, nullptr) !=
          napi_ok ||
      // uncovered: an array with elements has memory
      type != napi_int32_array || length < 1 || data == nullptr) {
    ThrowType(name, "an Int32Array of at least one element");
    return {};
  }
  auto* value = static_cast<int32_t*>(data);
  return {value, ReadOnce(value)};
}

AddressOut Args::Address(size_t i) {
  if (!Present(i)) {
    return {state_->Address(kMaxEvents), kAddressSize, &state_->state[kStateAddress]};
  }
  const Bytes bytes = Buffer(i, "address");
  const Out length = Reference(i + 1, "addressLength");
  if (failed_) return {};
  if (length.given < 0 || static_cast<size_t>(length.given) > bytes.size) {
    ThrowRange("addressLength", "within the address buffer");
    return {};
  }
  return {reinterpret_cast<sockaddr*>(bytes.data), static_cast<socklen_t>(length.given),
          length.value};
}

void Args::Store(const AddressOut& address) {
  *address.stored = static_cast<int32_t>(address.length);
}

int32_t* Args::Integers(size_t i, const char* name, size_t count) {
  if (!Present(i)) return state_->state;
  napi_typedarray_type type = napi_uint8_array;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env_, values_[i], &type, &length, &data, nullptr, nullptr) !=
          napi_ok ||
      // uncovered: an array with elements has memory
      type != napi_int32_array || length < count || data == nullptr) {
    ThrowType(name, "an Int32Array with room for every result");
    return nullptr;
  }
  return static_cast<int32_t*>(data);
}

Bytes Args::Within(Bytes bytes, size_t range) {
  if (count_ <= range || !Present(range)) return bytes;
  constexpr int64_t kMaxLength = int64_t{1} << 53;
  const auto offset = static_cast<size_t>(Integer(range, "offset", 0, kMaxLength));
  const auto length = static_cast<size_t>(Integer(range + 1, "length", 0, kMaxLength));
  if (failed_) return {};
  if (offset > bytes.size || length > bytes.size - offset) {
    ThrowRange("length", "within the buffer, which may have been detached or resized");
    return {};
  }
  return {bytes.data + offset, length};
}

void Args::ReadElements(size_t i, const char* name, napi_value* elements) {
  if (i >= count_) return ThrowType(name, kParts);
  bool is_array = false;
  napi_is_array(env_, values_[i], &is_array);
  if (!is_array) {
    elements[0] = values_[i];
    elements_ = elements;
    element_count_ = 1;
    return;
  }
  uint32_t length = 0;
  napi_get_array_length(env_, values_[i], &length);
  if (length > kMaxParts) {
    ThrowRange(name, "at most IOV_MAX buffers");
    return;
  }
  for (uint32_t k = 0; k < length; ++k) {
    if (napi_get_element(env_, values_[i], k, &elements[k]) != napi_ok) {
      failed_ = true;  // a getter has thrown, and that exception is pending
      return;
    }
  }
  elements_ = elements;
  element_count_ = length;
}

size_t Args::Parts(const char* name, iovec* parts) {
  for (size_t k = 0; k < element_count_; ++k) {
    Bytes bytes;
    if (!ReadBytes(env_, elements_[k], &bytes)) {
      ThrowType(name, kParts);
      return 0;
    }
    parts[k] = {bytes.data, bytes.size};
  }
  return element_count_;
}

napi_value Args::Result(int64_t value) {
  if (failed_) return nullptr;
  napi_value result = nullptr;
  if (value >= INT32_MIN && value <= INT32_MAX) {  // uncovered: no call returns less than INT32_MIN
    napi_create_int32(env_, static_cast<int32_t>(value), &result);
  } else {
    napi_create_double(env_, static_cast<double>(value), &result);
  }
  return result;
}

}  // namespace bsd
