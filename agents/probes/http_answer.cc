// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/http_answer.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// All of `text` as a number; false when it is none.
bool read_number(std::string_view text, int base, std::size_t& out) {
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out, base);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

}  // namespace

std::string http_get(const std::string& host_and_port, const std::string& path) {
  return cat("GET ", path, " HTTP/1.1\r\nHost: ", host_and_port,
             "\r\nUser-Agent: panshi-agent\r\nAccept: */*\r\nConnection: close\r\n\r\n");
}

HttpAnswer::State HttpAnswer::take(std::string_view bytes) {
  taken_ += bytes.size();
  if (taken_ > limits::kProbeBodyMax) {
    return broken(cat("answer is longer than ", limits::kProbeBodyMax, " bytes"));
  }
  buffer_ += bytes;
  if (framing_ == Framing::kHead) {
    if (const State state = read_head(); state != State::kMore || framing_ == Framing::kHead) {
      return state;
    }
  }
  if (framing_ == Framing::kChunked) return read_chunks();
  body_ += buffer_;
  buffer_.clear();
  if (framing_ == Framing::kUntilClose || body_.size() < length_) return State::kMore;
  body_.resize(length_);
  return State::kDone;
}

HttpAnswer::State HttpAnswer::closed() {
  if (framing_ == Framing::kUntilClose) return State::kDone;
  return broken(taken_ == 0 ? "closed without an answer" : "closed in the middle of the answer");
}

HttpAnswer::State HttpAnswer::broken(std::string why) {
  why_ = std::move(why);
  return State::kBroken;
}

HttpAnswer::State HttpAnswer::read_head() {
  const std::size_t end = buffer_.find("\r\n\r\n", searched_);
  if (end == std::string::npos) {
    searched_ = buffer_.size() - std::min<std::size_t>(buffer_.size(), 3);
    if (buffer_.size() <= limits::kProbeHeadMax) return State::kMore;
    return broken(cat("answer has a head longer than ", limits::kProbeHeadMax, " bytes"));
  }
  const std::string head = buffer_.substr(0, end);
  buffer_.erase(0, end + 4);
  searched_ = 0;

  const bool is_http = head.starts_with("HTTP/1.") && head.size() >= 12 && head[8] == ' ';
  std::size_t status = 0;
  if (!is_http || !read_number(std::string_view(head).substr(9, 3), 10, status)) {
    return broken("answer is not HTTP");
  }
  status_ = static_cast<int>(status);
  framing_ = Framing::kUntilClose;
  std::size_t at = head.find("\r\n");
  while (at != std::string::npos) {
    const std::size_t next = head.find("\r\n", at + 2);
    const std::string_view line = std::string_view(head).substr(at + 2, next - at - 2);
    at = next;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string name = lower(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (name == "transfer-encoding" && lower(value) == "chunked") framing_ = Framing::kChunked;
    if (name == "content-length" && framing_ != Framing::kChunked) {
      if (!read_number(value, 10, length_)) return broken("answer has no readable Content-Length");
      framing_ = Framing::kLength;
    }
  }
  if (status_ >= 100 && status_ < 200) {  // the real one follows
    framing_ = Framing::kHead;
    return read_head();
  }
  if (status_ == 204 || status_ == 304) return State::kDone;
  return State::kMore;
}

// What was read goes once, at the end: an answer of chunks of one byte has very many of them.
HttpAnswer::State HttpAnswer::read_chunks() {
  std::string_view rest = buffer_;
  State state = State::kMore;
  while (state == State::kMore) {
    const std::size_t line_end = rest.find("\r\n");
    if (line_end == rest.npos) break;
    const std::string_view line = rest.substr(0, line_end);
    std::size_t size = 0;
    if (!read_number(line.substr(0, line.find_first_of("; ")), 16, size) ||
        size > limits::kProbeBodyMax) {
      return broken("answer has an unreadable chunk");
    }
    if (size == 0) state = State::kDone;  // trailers do not matter here
    if (rest.size() < line_end + 2 + size + 2) break;
    body_ += rest.substr(line_end + 2, size);
    rest.remove_prefix(line_end + 2 + size + 2);
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  return state;
}

}  // namespace panshi::agent
