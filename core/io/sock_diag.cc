// SPDX-License-Identifier: Apache-2.0
#include "core/io/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/text.h"
#include "core/io/socket_end.h"

namespace panshi {
namespace {

struct Question {
  nlmsghdr head{};
  inet_diag_req_v2 of{};
};
struct Answer {
  nlmsghdr head{};
  inet_diag_msg is{};
};

// The family of both; 0 when they are not of one.
int read_ends(const TcpEnd& local, const TcpEnd& remote, inet_diag_sockid& id) {
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, local.address.c_str(), id.idiag_src) == 1 &&
        ::inet_pton(family, remote.address.c_str(), id.idiag_dst) == 1) {
      return family;
    }
  }
  return 0;
}

enum class Said { kSocket, kNone, kNothing };

Said ask(const Question& question, Answer& answer) {
  const int kernel = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (kernel < 0) return Said::kNothing;
  // It answers while it takes the question: nobody waits here.
  std::array<char, 4'096> bytes{};
  const ssize_t got = ::send(kernel, &question, sizeof question, 0) == sizeof question
                          ? ::recv(kernel, bytes.data(), bytes.size(), MSG_DONTWAIT)
                          : -1;
  ::close(kernel);
  if (got < static_cast<ssize_t>(sizeof(nlmsghdr))) return Said::kNothing;
  std::memcpy(&answer, bytes.data(), std::min(static_cast<std::size_t>(got), sizeof answer));
  if (answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY) return Said::kNone;
  return got >= static_cast<ssize_t>(sizeof answer) ? Said::kSocket : Said::kNothing;
}

// As a packet finds it that comes over the loopback device, as all of this machine do: also one
// that is bound to that device.
Said find(const TcpEnd& local, const TcpEnd& remote, Answer& answer) {
  Question question;
  inet_diag_req_v2& of = question.of;
  const int family = read_ends(local, remote, of.id);
  if (family == 0) return Said::kNone;
  question.head.nlmsg_len = sizeof question;
  question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.head.nlmsg_flags = NLM_F_REQUEST;
  of.sdiag_family = static_cast<std::uint8_t>(family);
  of.sdiag_protocol = IPPROTO_TCP;
  of.idiag_states = ~0U;
  of.id.idiag_sport = htons(local.port);
  of.id.idiag_dport = htons(remote.port);
  of.id.idiag_if = ::if_nametoindex("lo");
  of.id.idiag_cookie[0] = of.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return ask(question, answer);
}

tl::unexpected<Error> nobody(const TcpEnd& local) {
  return fail(ErrorCode::kNotFound, cat("nobody holds ", local.address, ":", local.port));
}

// Whether "there is no such socket" is to be believed: a kernel that was built without the
// interface says the same. It knows a socket of our own.
bool is_known_to_answer() {
  static const bool kAnswers = [] {
    const int own = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool listens = ::bind(own, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 &&
                         ::listen(own, 1) == 0;
    Answer answer;
    const bool found = listens && find(own_end(own), {"0.0.0.0", 0}, answer) == Said::kSocket;
    ::close(own);
    return found;
  }();
  return kAnswers;
}

}  // namespace

Result<uid_t> user_of_end(const TcpEnd& local, const TcpEnd& remote) {
  Answer answer;
  // Without a connection it tells who listens at `local`. One that no process holds any more, or
  // not yet, has no inode, and is root's.
  if (find(local, remote, answer) == Said::kSocket && answer.is.idiag_state != TCP_LISTEN &&
      answer.is.idiag_inode != 0) {
    return answer.is.idiag_uid;
  }
  if (!is_known_to_answer()) return fail(ErrorCode::kUnavailable, "no sock_diag in this kernel");
  return nobody(local);
}

Result<uid_t> user_of_listening(const TcpEnd& local) {
  const TcpEnd anybody{local.address.find(':') == std::string::npos ? "0.0.0.0" : "::", 0};
  Answer answer;
  if (find(local, anybody, answer) == Said::kSocket && answer.is.idiag_state == TCP_LISTEN) {
    return answer.is.idiag_uid;
  }
  if (!is_known_to_answer()) return fail(ErrorCode::kUnavailable, "no sock_diag in this kernel");
  return nobody(local);
}

}  // namespace panshi
