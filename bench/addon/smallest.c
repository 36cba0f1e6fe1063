// The smallest addon: what Node-API and libuv cost if an addon does nothing but the measured system calls. It checks
// nothing and frees nothing, so it is a limit for every addon, not an example of one.
#include <errno.h>
#include <node_api.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

struct arguments {
  int32_t fd;
  void *data;
  size_t size;
};

// (fd, typed array, ...more): the integers that follow are read into `more`.
static struct arguments arguments_of(napi_env env, napi_callback_info info, int32_t *more,
                                     size_t count) {
  napi_value values[6];
  size_t given = 6;
  struct arguments result;
  napi_get_cb_info(env, info, &given, values, NULL, NULL);
  napi_get_value_int32(env, values[0], &result.fd);
  napi_get_typedarray_info(env, values[1], NULL, &result.size, &result.data, NULL, NULL);
  for (size_t i = 0; i < count; i++) napi_get_value_int32(env, values[2 + i], &more[i]);
  return result;
}

static napi_value number(napi_env env, ssize_t value) {
  napi_value result;
  napi_create_int32(env, (int32_t)(value < 0 ? -errno : value), &result);
  return result;
}

static napi_value do_recv(napi_env env, napi_callback_info info) {
  struct arguments a = arguments_of(env, info, NULL, 0);
  return number(env, recv(a.fd, a.data, a.size, MSG_DONTWAIT));
}

static napi_value do_send(napi_env env, napi_callback_info info) {
  struct arguments a = arguments_of(env, info, NULL, 0);
  return number(env, send(a.fd, a.data, a.size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static napi_value do_getsockopt(napi_env env, napi_callback_info info) {
  int32_t names[2];
  struct arguments a = arguments_of(env, info, names, 2);
  socklen_t length = (socklen_t)a.size;
  return number(env, getsockopt(a.fd, names[0], names[1], a.data, &length));
}

// A connection whose arrivals are received in C, into memory that JavaScript gave once.
struct watcher {
  uv_poll_t poll;
  napi_env env;
  napi_ref callback, receiver;
  int fd;
  void *data;
  size_t size;
};

static void arrived(uv_poll_t *poll, int status, int events) {
  struct watcher *w = poll->data;
  ssize_t result = recv(w->fd, w->data, w->size, MSG_DONTWAIT);
  if (result < 0 && errno == EAGAIN) return;
  napi_handle_scope scope;
  napi_value callback, receiver, argument;
  napi_open_handle_scope(w->env, &scope);
  napi_get_reference_value(w->env, w->callback, &callback);
  napi_get_reference_value(w->env, w->receiver, &receiver);
  napi_create_int32(w->env, (int32_t)result, &argument);
  napi_make_callback(w->env, NULL, receiver, callback, 1, &argument, NULL);
  napi_close_handle_scope(w->env, scope);
  if (result <= 0) uv_poll_stop(poll);
  (void)status;
  (void)events;
}

// (fd, typed array, (bytes) => void)
static napi_value do_watch(napi_env env, napi_callback_info info) {
  napi_value values[3], global;
  size_t given = 3;
  int32_t fd;
  uv_loop_t *loop;
  napi_ref memory;
  struct watcher *w = calloc(1, sizeof *w);
  napi_get_cb_info(env, info, &given, values, NULL, NULL);
  napi_get_value_int32(env, values[0], &fd);
  napi_get_typedarray_info(env, values[1], NULL, &w->size, &w->data, NULL, NULL);
  napi_create_reference(env, values[1], 1, &memory);
  napi_create_reference(env, values[2], 1, &w->callback);
  napi_get_global(env, &global);
  napi_create_reference(env, global, 1, &w->receiver);
  w->env = env;
  w->fd = fd;
  w->poll.data = w;
  napi_get_uv_event_loop(env, &loop);
  uv_poll_init(loop, &w->poll, fd);
  uv_poll_start(&w->poll, UV_READABLE, arrived);
  return NULL;
}

NAPI_MODULE_INIT() {
  napi_property_descriptor functions[] = {
      {"recv", NULL, do_recv, NULL, NULL, NULL, napi_enumerable, NULL},
      {"send", NULL, do_send, NULL, NULL, NULL, napi_enumerable, NULL},
      {"getsockopt", NULL, do_getsockopt, NULL, NULL, NULL, napi_enumerable, NULL},
      {"watch", NULL, do_watch, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions);
  return exports;
}
