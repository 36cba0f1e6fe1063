#include "notifier.h"

#include <uv.h>

#include <new>

#include "env.h"

namespace bsd {

namespace {

class Async final : public Notifier {
 public:
  int Open(Env& env, void (*told)(void*), void (*closed)(void*), void* data) override {
    uv_loop_t* loop = nullptr;
    if (napi_get_uv_event_loop(env.env, &loop) != napi_ok) return -ENOTSUP;
    told_ = told;
    closed_ = closed;
    data_ = data;
    async_.data = this;
    return uv_async_init(loop, &async_, OnAsync);
  }

  void Notify() override { uv_async_send(&async_); }

  void Confirm() override {}

  void Ref(bool on) override {
    if (on) {
      uv_ref(handle());
    } else {
      uv_unref(handle());
    }
  }

  void Close() override { uv_close(handle(), OnClose); }

 private:
  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(&async_); }

  static void OnAsync(uv_async_t* async) {
    auto* self = static_cast<Async*>(async->data);
    self->told_(self->data_);
  }

  static void OnClose(uv_handle_t* handle) {
    auto* self = static_cast<Async*>(handle->data);
    self->closed_(self->data_);
  }

  uv_async_t async_ = {};
  void (*told_)(void*) = nullptr;
  void (*closed_)(void*) = nullptr;
  void* data_ = nullptr;
};

}  // namespace

Notifier* UvNotifier() { return new (std::nothrow) Async(); }

}  // namespace bsd
