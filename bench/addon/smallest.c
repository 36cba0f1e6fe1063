// The smallest addon: what Node-API and libuv cost if an addon does nothing but the measured system calls. It checks
// nothing and frees nothing, so it is a limit for every addon, not an example of one.
#include <errno.h>
#include <netinet/in.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include <linux/errqueue.h>  // after time.h, which it needs

enum { BATCH = 64 };

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

// (fd, typed array, file, begin, end): sends a head, then a part of a file behind it. Returns where the part that was
// sent ends, or -errno. With an empty head it goes on from there.
static napi_value do_send_file(napi_env env, napi_callback_info info) {
  int32_t more[3];
  struct arguments a = arguments_of(env, info, more, 3);
  off_t at = more[1];
  if (a.size > 0 && send(a.fd, a.data, a.size, MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    return number(env, -1);
  while (at < more[2]) {
    const ssize_t sent = sendfile(a.fd, more[0], &at, (size_t)(more[2] - at));
    if (sent < 0 && errno != EAGAIN) return number(env, sent);
    if (sent <= 0) break;
  }
  return number(env, at);
}

static int readable(int file, off_t at) {
  char byte;
  struct iovec part = {&byte, 1};
  return preadv2(file, &part, 1, at, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

// (file, typed array, begin, end): returns 1 if a part of a file is in the page cache, and not being read just now: the same
// questions as in ../c/file_server.c. The array is not used.
static napi_value do_cached(napi_env env, napi_callback_info info) {
  const long cachestat = 451;
  int32_t more[2];
  const int file = arguments_of(env, info, more, 2).fd;
  const off_t at = more[0], length = more[1] - more[0];
  const uint64_t range[2] = {(uint64_t)at, (uint64_t)length};
  const uint64_t needed = (uint64_t)((at + length - 1) / 4096 - at / 4096 + 1);
  uint64_t pages[5];
  if (syscall(cachestat, file, range, pages, 0) == 0 && pages[0] < needed) return number(env, 0);
  for (off_t step = 512 << 10; step < length; step += 512 << 10)
    if (!readable(file, at + step)) return number(env, 0);
  return number(env, readable(file, at + length - 1));
}

static napi_value do_getsockopt(napi_env env, napi_callback_info info) {
  int32_t names[2];
  struct arguments a = arguments_of(env, info, names, 2);
  socklen_t length = (socklen_t)a.size;
  return number(env, getsockopt(a.fd, names[0], names[1], a.data, &length));
}

// (fd, Int32Array): accepts until nothing is left or the array is full. Returns how many descriptors it holds.
static napi_value do_accept(napi_env env, napi_callback_info info) {
  struct arguments a = arguments_of(env, info, NULL, 0);
  int32_t *fds = a.data;
  size_t count = 0;
  while (count < a.size &&
         (fds[count] = accept4(a.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    count++;
  return number(env, (ssize_t)count);
}

// The messages of a batch: each has `stride` bytes of the memory.
static unsigned batch_of(struct mmsghdr *messages, struct iovec *pieces, const struct arguments *a,
                         int32_t stride) {
  const unsigned count = (unsigned)(a->size / (size_t)stride);
  memset(messages, 0, count * sizeof *messages);
  for (unsigned i = 0; i < count; i++) {
    pieces[i] = (struct iovec){(char *)a->data + i * (size_t)stride, (size_t)stride};
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  return count;
}

// (fd, typed array, stride, Int32Array): receives a message into each `stride` bytes, at most 64. If there is a second
// array, it gets the length, the IPv4 address and the port of each.
static napi_value do_recv_many(napi_env env, napi_callback_info info) {
  struct mmsghdr messages[BATCH];
  struct iovec pieces[BATCH];
  struct sockaddr_in names[BATCH];
  int32_t stride, *table = NULL;
  napi_value values[4];
  size_t given = 4;
  struct arguments a = arguments_of(env, info, &stride, 1);
  napi_get_cb_info(env, info, &given, values, NULL, NULL);
  napi_get_typedarray_info(env, values[3], NULL, NULL, (void **)&table, NULL, NULL);
  const unsigned count = batch_of(messages, pieces, &a, stride);
  for (unsigned i = 0; table != NULL && i < count; i++) {
    messages[i].msg_hdr.msg_name = &names[i];
    messages[i].msg_hdr.msg_namelen = sizeof names[i];
  }
  const int got = recvmmsg(a.fd, messages, count, MSG_DONTWAIT, NULL);
  for (int i = 0; table != NULL && i < got; i++) {
    *table++ = (int32_t)messages[i].msg_len;
    *table++ = (int32_t)names[i].sin_addr.s_addr;
    *table++ = ntohs(names[i].sin_port);
  }
  return number(env, got);
}

// (fd, typed arrays, Int32Array): receives a message into each of the arrays, at most 64, and its length, IPv4 address and
// port into the table.
static napi_value do_recv_each(napi_env env, napi_callback_info info) {
  struct mmsghdr messages[BATCH];
  struct iovec pieces[BATCH];
  struct sockaddr_in names[BATCH];
  int32_t fd, *table = NULL;
  uint32_t count;
  napi_value values[3];
  size_t given = 3;
  napi_get_cb_info(env, info, &given, values, NULL, NULL);
  napi_get_value_int32(env, values[0], &fd);
  napi_get_array_length(env, values[1], &count);
  napi_get_typedarray_info(env, values[2], NULL, NULL, (void **)&table, NULL, NULL);
  memset(messages, 0, count * sizeof *messages);
  for (uint32_t i = 0; i < count; i++) {
    napi_value memory;
    napi_get_element(env, values[1], i, &memory);
    napi_get_typedarray_info(env, memory, NULL, &pieces[i].iov_len, &pieces[i].iov_base, NULL,
                             NULL);
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = &names[i];
    messages[i].msg_hdr.msg_namelen = sizeof names[i];
  }
  const int got = recvmmsg(fd, messages, count, MSG_DONTWAIT, NULL);
  for (int i = 0; i < got; i++) {
    *table++ = (int32_t)messages[i].msg_len;
    *table++ = (int32_t)names[i].sin_addr.s_addr;
    *table++ = ntohs(names[i].sin_port);
  }
  return number(env, got);
}

// (fd, typed array, stride): sends each `stride` bytes as a message, at most 64.
static napi_value do_send_many(napi_env env, napi_callback_info info) {
  struct mmsghdr messages[BATCH];
  struct iovec pieces[BATCH];
  int32_t stride;
  struct arguments a = arguments_of(env, info, &stride, 1);
  const unsigned count = batch_of(messages, pieces, &a, stride);
  return number(env, sendmmsg(a.fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL));
}

// The same with MSG_ZEROCOPY, which needs a call for each. Returns how many messages the kernel took.
static napi_value do_send_zero_copy(napi_env env, napi_callback_info info) {
  int32_t stride;
  struct arguments a = arguments_of(env, info, &stride, 1);
  struct msghdr message = {0};
  ssize_t sent = 0;
  for (size_t at = 0; at < a.size; at += (size_t)stride) {
    struct iovec piece = {(char *)a.data + at, (size_t)stride};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (sendmsg(a.fd, &message, MSG_ZEROCOPY | MSG_DONTWAIT | MSG_NOSIGNAL) < 0) break;
    sent++;
  }
  return number(env, sent);
}

// (fd): reads the error queue until it is empty. Returns how many sends with MSG_ZEROCOPY are done.
static napi_value do_completions(napi_env env, napi_callback_info info) {
  const int fd = arguments_of(env, info, NULL, 0).fd;
  char control[256];
  ssize_t done = 0;
  for (;;) {
    struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return number(env, done);
    struct sock_extended_err error;
    memcpy(&error, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof error);
    done += error.ee_data - error.ee_info + 1;
  }
}

// A descriptor that libuv polls. With memory, arrivals are received in C before the callback.
struct watcher {
  uv_poll_t poll;
  napi_env env;
  napi_ref callback, receiver;
  int fd;
  void *data;
  size_t size;
  int32_t *waits;  // by descriptor, or NULL; see smallest.mjs
};

// Calls back, and again while the callback returns true. All ticks and microtasks run after each call.
static void call_back(const struct watcher *w, ssize_t number) {
  napi_handle_scope scope;
  napi_value callback, receiver, argument, result = NULL;
  bool again = false;
  napi_open_handle_scope(w->env, &scope);
  napi_get_reference_value(w->env, w->callback, &callback);
  napi_get_reference_value(w->env, w->receiver, &receiver);
  napi_create_int32(w->env, (int32_t)number, &argument);
  while (napi_make_callback(w->env, NULL, receiver, callback, 1, &argument, &result) == napi_ok &&
         napi_get_value_bool(w->env, result, &again) == napi_ok && again) {
  }
  napi_close_handle_scope(w->env, scope);
}

// The watchers by descriptor. libuv wants none for a descriptor that is closed.
static struct watcher *watchers[1024];

static napi_value do_close(napi_env env, napi_callback_info info) {
  const int fd = arguments_of(env, info, NULL, 0).fd;
  if (watchers[fd] != NULL) uv_close((uv_handle_t *)&watchers[fd]->poll, NULL);
  watchers[fd] = NULL;
  return number(env, close(fd));
}

static void arrived(uv_poll_t *poll, int status, int events) {
  struct watcher *w = poll->data;
  if (w->waits != NULL && !w->waits[w->fd]) return;
  ssize_t result = w->data == NULL ? 1 : recv(w->fd, w->data, w->size, MSG_DONTWAIT);
  if (result < 0 && errno == EAGAIN) return;
  call_back(w, result);
  if (result <= 0) uv_poll_stop(poll);
  (void)status;
  (void)events;
}

// Many sockets behind one epoll, which libuv polls: all arrivals of a turn are received in C and told by one callback.
enum { MEMBERS = 1024 };
static struct arguments members[MEMBERS];
static int32_t member_count;

static void gathered(uv_poll_t *poll, int status, int events) {
  struct watcher *w = poll->data;
  struct epoll_event ready[BATCH];
  int32_t *told = w->data, many = 0;
  const int count = epoll_wait(w->fd, ready, BATCH, 0);
  for (int i = 0; i < count; i++) {
    const struct arguments *m = &members[ready[i].data.u32];
    if (w->waits != NULL && !w->waits[m->fd]) continue;
    const ssize_t result = recv(m->fd, m->data, m->size, MSG_DONTWAIT);
    *told++ = (int32_t)ready[i].data.u32;
    *told++ = (int32_t)(result < 0 ? -errno : result);
    if (result <= 0) epoll_ctl(w->fd, EPOLL_CTL_DEL, m->fd, NULL);
    many++;
  }
  if (many > 0) call_back(w, many);
  (void)status;
  (void)events;
}

// (fd, typed array, epoll): receives arrivals of a descriptor into the array. Returns the number of the member.
static napi_value do_join(napi_env env, napi_callback_info info) {
  napi_value values[3];
  size_t given = 3;
  int32_t epoll;
  napi_ref memory;
  members[member_count] = arguments_of(env, info, &epoll, 1);
  napi_get_cb_info(env, info, &given, values, NULL, NULL);
  napi_create_reference(env, values[1], 1, &memory);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)member_count};
  epoll_ctl(epoll, EPOLL_CTL_ADD, members[member_count].fd, &event);
  return number(env, member_count++);
}

static napi_value do_epoll(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, epoll_create1(EPOLL_CLOEXEC));
}

// (fd, typed array, (bytes) => boolean or nothing): calls back for each arrival, which is then in the array. With `null`
// in place of the array only says that the descriptor is ready: readable, or with a fourth argument of 1 writable. With 2
// the descriptor is an epoll: see gathered(). With a fifth argument, nothing is received for descriptors that have a 0 there.
static napi_value do_watch(napi_env env, napi_callback_info info) {
  napi_value values[5], global;
  size_t given = 5;
  int32_t fd, style = 0;
  void *waits = NULL;
  uv_loop_t *loop;
  napi_ref memory;
  struct watcher *w = calloc(1, sizeof *w);
  napi_get_cb_info(env, info, &given, values, NULL, NULL);
  napi_get_value_int32(env, values[0], &fd);
  napi_get_value_int32(env, values[3], &style);
  napi_get_typedarray_info(env, values[1], NULL, &w->size, &w->data, NULL, NULL);
  if (w->data != NULL) napi_create_reference(env, values[1], 1, &memory);
  if (napi_get_typedarray_info(env, values[4], NULL, NULL, &waits, NULL, NULL) == napi_ok)
    napi_create_reference(env, values[4], 1, &memory);
  w->waits = waits;
  napi_create_reference(env, values[2], 1, &w->callback);
  napi_get_global(env, &global);
  napi_create_reference(env, global, 1, &w->receiver);
  w->env = env;
  w->fd = fd;
  w->poll.data = w;
  watchers[fd] = w;
  napi_get_uv_event_loop(env, &loop);
  uv_poll_init(loop, &w->poll, fd);
  uv_poll_start(&w->poll, style == 1 ? UV_WRITABLE : UV_READABLE, style == 2 ? gathered : arrived);
  return NULL;
}

NAPI_MODULE_INIT() {
  const struct {
    const char *name;
    napi_callback call;
  } functions[] = {
      {"recv", do_recv},
      {"send", do_send},
      {"sendFile", do_send_file},
      {"cached", do_cached},
      {"getsockopt", do_getsockopt},
      {"close", do_close},
      {"accept", do_accept},
      {"recvMany", do_recv_many},
      {"recvEach", do_recv_each},
      {"sendMany", do_send_many},
      {"sendZeroCopy", do_send_zero_copy},
      {"completions", do_completions},
      {"watch", do_watch},
      {"epoll", do_epoll},
      {"join", do_join},
  };
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    napi_value function;
    napi_create_function(env, NULL, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  return exports;
}
