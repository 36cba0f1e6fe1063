#include "values.h"

#include <cmath>
#include <cstring>

namespace fuzz {

namespace {

constexpr size_t kElement[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
constexpr double kOdd[] = {NAN, INFINITY, -INFINITY, -0.0, 0.5, 2147483648.0, 4294967296.0, 1e300};

}  // namespace

Value* Call::Make(Value::Kind kind) {
  values.push_back(std::make_unique<Value>());
  values.back()->kind = kind;
  return values.back().get();
}

Value* Call::Number(double number) {
  Value* value = Make(Value::kNumber);
  value->number = number;
  return value;
}

Value* Call::Bytes(napi_typedarray_type type, size_t length, FuzzedDataProvider& from) {
  Value* value = Make(Value::kTyped);
  value->type = type;
  value->length = length;
  const size_t size = length * kElement[type];
  value->memory.reset(new uint8_t[size]());
  from.ConsumeData(value->memory.get(), size);
  return value;
}

Value* Anything(Call& call, FuzzedDataProvider& from, int depth) {
  switch (from.ConsumeIntegralInRange<int>(0, 9)) {
    case 0:
      return call.Make(Value::kUndefined);
    case 1:
      return call.Make(Value::kNull);
    case 2:
      return call.Number(from.PickValueInArray(kOdd));
    case 3:
      return call.Number(from.ConsumeIntegral<int32_t>());
    case 4:
      return call.Number(from.ConsumeIntegralInRange<int>(-2, 70));
    case 5: {  // detached
      Value* value = call.Make(from.ConsumeBool() ? Value::kTyped : Value::kDataView);
      value->length = from.ConsumeIntegralInRange<size_t>(0, 64);
      return value;
    }
    case 6: {
      Value* value =
          call.Bytes(napi_uint8_array, from.ConsumeIntegralInRange<size_t>(0, 400), from);
      value->kind = Value::kDataView;
      return value;
    }
    case 7: {
      Value* list = call.Make(Value::kArray);
      const size_t count = depth > 1 ? 0 : from.ConsumeIntegralInRange<size_t>(0, 5);
      for (size_t i = 0; i < count; ++i) list->elements.push_back(Anything(call, from, depth + 1));
      return list;
    }
    default: {
      const auto type = static_cast<napi_typedarray_type>(from.ConsumeIntegralInRange<int>(0, 10));
      return call.Bytes(type, from.ConsumeIntegralInRange<size_t>(0, 160), from);
    }
  }
}

}  // namespace fuzz

using fuzz::Call;
using fuzz::Value;

static Value* Of(napi_value value) { return reinterpret_cast<Value*>(value); }
static Call* Of(napi_env env) { return reinterpret_cast<Call*>(env); }

extern "C" {

napi_status napi_get_cb_info(napi_env env, napi_callback_info, size_t* count, napi_value* values,
                             napi_value*, void** data) {
  Call* call = Of(env);
  for (size_t i = 0; i < *count; ++i) {
    if (i >= call->arguments.size()) call->arguments.push_back(nullptr);
    if (call->arguments[i] == nullptr) call->arguments[i] = call->Make(Value::kUndefined);
    values[i] = reinterpret_cast<napi_value>(call->arguments[i]);
  }
  *count = call->arguments.size();
  *data = call->data;
  return napi_ok;
}

napi_status napi_typeof(napi_env, napi_value value, napi_valuetype* type) {
  switch (Of(value)->kind) {
    case Value::kUndefined:
      *type = napi_undefined;
      break;
    case Value::kNull:
      *type = napi_null;
      break;
    case Value::kNumber:
      *type = napi_number;
      break;
    default:
      *type = napi_object;
  }
  return napi_ok;
}

napi_status napi_get_value_double(napi_env, napi_value value, double* number) {
  if (Of(value)->kind != Value::kNumber) return napi_number_expected;
  *number = Of(value)->number;
  return napi_ok;
}

napi_status napi_get_typedarray_info(napi_env, napi_value value, napi_typedarray_type* type,
                                     size_t* length, void** data, napi_value*, size_t*) {
  if (Of(value)->kind != Value::kTyped) return napi_invalid_arg;
  *type = Of(value)->type;
  *length = Of(value)->length;
  *data = Of(value)->memory.get();
  return napi_ok;
}

napi_status napi_get_dataview_info(napi_env, napi_value value, size_t* length, void** data,
                                   napi_value*, size_t*) {
  if (Of(value)->kind != Value::kDataView) return napi_invalid_arg;
  *length = Of(value)->length;
  *data = Of(value)->memory.get();
  return napi_ok;
}

napi_status napi_is_array(napi_env, napi_value value, bool* is) {
  *is = Of(value)->kind == Value::kArray;
  return napi_ok;
}

napi_status napi_get_array_length(napi_env, napi_value value, uint32_t* length) {
  *length = static_cast<uint32_t>(Of(value)->elements.size());
  return napi_ok;
}

napi_status napi_get_element(napi_env, napi_value value, uint32_t i, napi_value* element) {
  *element = reinterpret_cast<napi_value>(Of(value)->elements[i]);
  return napi_ok;
}

napi_status napi_throw_type_error(napi_env env, const char*, const char* text) {
  Of(env)->thrown = strlen(text) > 0;
  return napi_ok;
}

napi_status napi_throw_range_error(napi_env env, const char*, const char* text) {
  Of(env)->thrown = strlen(text) > 0;
  return napi_ok;
}

napi_status napi_create_int32(napi_env env, int32_t number, napi_value* result) {
  *result = reinterpret_cast<napi_value>(Of(env)->Number(number));
  return napi_ok;
}

napi_status napi_create_double(napi_env env, double number, napi_value* result) {
  *result = reinterpret_cast<napi_value>(Of(env)->Number(number));
  return napi_ok;
}

}  // extern "C"
