// SPDX-License-Identifier: Apache-2.0
// The one place where the JSON class is compiled; and, since every program has it, what a sanitizer
// is to know.
#include "cmake/json_once.h"

template class nlohmann::basic_json<>;

#ifdef __SANITIZE_ADDRESS__
// A program with a library before it (libfaketime, of `time.skew`) is to run all the same.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "verify_asan_link_order=0"; }
#endif
