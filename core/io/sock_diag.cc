// SPDX-License-Identifier: Apache-2.0
#include "core/io/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "core/base/text.h"

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

// False when the kernel said anything but who it is.
bool ask(const Question& question, Answer& answer) {
  const int kernel = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (kernel < 0) return false;
  // It answers while it takes the question: nobody waits here.
  std::array<char, 4'096> bytes{};
  const ssize_t got = ::send(kernel, &question, sizeof question, 0) == sizeof question
                          ? ::recv(kernel, bytes.data(), bytes.size(), MSG_DONTWAIT)
                          : -1;
  ::close(kernel);
  if (got < static_cast<ssize_t>(sizeof answer)) return false;
  std::memcpy(&answer, bytes.data(), sizeof answer);
  return answer.head.nlmsg_type == SOCK_DIAG_BY_FAMILY;
}

}  // namespace

Result<uid_t> user_of_end(const TcpEnd& local, const TcpEnd& remote) {
  Question question;
  inet_diag_req_v2& of = question.of;
  const int family = read_ends(local, remote, of.id);
  question.head.nlmsg_len = sizeof question;
  question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.head.nlmsg_flags = NLM_F_REQUEST;
  of.sdiag_family = static_cast<std::uint8_t>(family);
  of.sdiag_protocol = IPPROTO_TCP;
  of.idiag_states = ~0U;
  of.id.idiag_sport = htons(local.port);
  of.id.idiag_dport = htons(remote.port);
  of.id.idiag_cookie[0] = of.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  Answer answer;
  // Without a connection it tells who listens at `local`. One that no process holds any more, or
  // not yet, has no inode, and is root's.
  if (family != 0 && ask(question, answer) && answer.is.idiag_state != TCP_LISTEN &&
      answer.is.idiag_inode != 0) {
    return answer.is.idiag_uid;
  }
  return fail(ErrorCode::kNotFound, cat("nobody holds ", local.address, ":", local.port));
}

}  // namespace panshi
