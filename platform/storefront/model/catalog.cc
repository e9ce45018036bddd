// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/model/catalog.h"

namespace panshi::shop {

std::span<const Product> products() {
  static constexpr Product kProducts[] = {
      {"music-month", "音乐会员月卡 / Music membership, one month", 1'500},
      {"music-year", "音乐会员年卡 / Music membership, one year", 15'800},
      {"video-month", "影视会员月卡 / Film membership, one month", 2'500},
      {"video-year", "影视会员年卡 / Film membership, one year", 23'800},
      {"game-100", "游戏点卡 100 点 / Game card, 100 points", 1'000},
      {"game-500", "游戏点卡 500 点 / Game card, 500 points", 4'900},
      {"office-pro", "办公软件专业版授权 / Office suite licence, professional", 39'900},
      {"photo-editor", "修图软件授权 / Photo editor licence", 12'900},
      {"antivirus-year", "安全防护年度授权 / Antivirus licence, one year", 9'900},
      {"cloud-100g", "网盘扩容 100 GB / Cloud storage, 100 GB", 800},
      {"ebook-card", "电子书通用卡 / E-book gift card", 3'000},
      {"course-pass", "在线课程通行证 / Online course pass", 19'900},
  };
  return kProducts;
}

}  // namespace panshi::shop
