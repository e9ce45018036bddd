// SPDX-License-Identifier: Apache-2.0
// The Lua scripts of SoftStock. Private to it and its tests.
#pragma once

namespace panshi::shop {

extern const char* const kReserveScript;
extern const char* const kRecordedScript;
extern const char* const kCancelScript;
extern const char* const kBeginPayScript;
extern const char* const kEndPayScript;
extern const char* const kSettleScript;
extern const char* const kPaidAmongScript;
extern const char* const kExpireScript;
extern const char* const kMarkerScript;
extern const char* const kRebuildScript;
extern const char* const kRaiseScript;
extern const char* const kWholeScript;
extern const char* const kFindAllScript;

}  // namespace panshi::shop
