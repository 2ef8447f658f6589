#include "runtime/text/template/clock.h"

#include <chrono>

namespace ingot::text {
namespace {

constexpr const char* kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr const char* kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                   "July",    "August",   "September", "October", "November", "December"};

std::tm localNow(long& microseconds) {
  auto now = std::chrono::system_clock::now();
  std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  microseconds = static_cast<long>(std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() % 1000000);
  std::tm time{};
  localtime_r(&seconds, &time);
  return time;
}

void appendNumber(int value, int width, char fill, std::string& out) {
  std::string digits = std::to_string(value);
  if (digits.size() < static_cast<size_t>(width)) out.append(static_cast<size_t>(width) - digits.size(), fill);
  out += digits;
}

int isoWeek(const std::tm& time, int& year) {
  int weekday = (time.tm_wday + 6) % 7, week = (time.tm_yday - weekday + 10) / 7;
  auto weeksIn = [&](int y) {
    auto dec31 = [](int v) { return (v + v / 4 - v / 100 + v / 400) % 7; };
    return dec31(y) == 4 || dec31(y - 1) == 3 ? 53 : 52;
  };
  year = time.tm_year + 1900;
  if (week < 1) return weeksIn(--year);
  if (week > weeksIn(year)) return ++year, 1;
  return week;
}

void appendField(char field, char flag, const std::tm& time, long microseconds, std::string& out) {
  auto number = [&](int value, int width, char fill = '0') {
    if (flag == '-') width = 1;
    if (flag == '_') fill = ' ';
    if (flag == '0') fill = '0';
    appendNumber(value, width, fill, out);
  };
  auto nested = [&](const char* format) {
    for (; *format != '\0'; ++format) {
      if (*format == '%') appendField(*++format, '\0', time, microseconds, out);
      else out += *format;
    }
  };
  int hour12 = time.tm_hour % 12 == 0 ? 12 : time.tm_hour % 12, isoYear = 0;
  switch (field) {
    case 'a': out.append(kDays[time.tm_wday], 3); break;
    case 'A': out += kDays[time.tm_wday]; break;
    case 'b':
    case 'h': out.append(kMonths[time.tm_mon], 3); break;
    case 'B': out += kMonths[time.tm_mon]; break;
    case 'c': nested("%a %b %e %H:%M:%S %Y"); break;
    case 'C': number((time.tm_year + 1900) / 100, 2); break;
    case 'd': number(time.tm_mday, 2); break;
    case 'D':
    case 'x': nested("%m/%d/%y"); break;
    case 'e': number(time.tm_mday, 2, ' '); break;
    case 'f': appendNumber(static_cast<int>(microseconds), 6, '0', out); break;
    case 'F': nested("%Y-%m-%d"); break;
    case 'g': isoWeek(time, isoYear), number(isoYear % 100, 2); break;
    case 'G': isoWeek(time, isoYear), number(isoYear, 4); break;
    case 'H': number(time.tm_hour, 2); break;
    case 'I': number(hour12, 2); break;
    case 'j': number(time.tm_yday + 1, 3); break;
    case 'k': number(time.tm_hour, 2, ' '); break;
    case 'l': number(hour12, 2, ' '); break;
    case 'm': number(time.tm_mon + 1, 2); break;
    case 'M': number(time.tm_min, 2); break;
    case 'n': out += '\n'; break;
    case 'p': out += time.tm_hour < 12 ? "AM" : "PM"; break;
    case 'P': out += time.tm_hour < 12 ? "am" : "pm"; break;
    case 'r': nested("%I:%M:%S %p"); break;
    case 'R': nested("%H:%M"); break;
    case 's': {
      std::tm copy = time;
      out += std::to_string(std::mktime(&copy));
      break;
    }
    case 'S': number(time.tm_sec, 2); break;
    case 't': out += '\t'; break;
    case 'T':
    case 'X': nested("%H:%M:%S"); break;
    case 'u': number(time.tm_wday == 0 ? 7 : time.tm_wday, 1); break;
    case 'U': number((time.tm_yday + 7 - time.tm_wday) / 7, 2); break;
    case 'V': number(isoWeek(time, isoYear), 2); break;
    case 'w': number(time.tm_wday, 1); break;
    case 'W': number((time.tm_yday + 7 - (time.tm_wday + 6) % 7) / 7, 2); break;
    case 'y': number((time.tm_year + 1900) % 100, 2); break;
    case 'Y': number(time.tm_year + 1900, flag == '\0' ? 1 : 4); break;
    case 'z':
    case 'Z': break;  // a naive datetime has no zone
    case '%': out += '%'; break;
    default: out.append("%").append(flag == '\0' ? "" : std::string(1, flag)).append(1, field);
  }
}

}  // namespace

bool formatTime(std::string_view format, const std::function<std::tm()>& clock, std::string& out) {
  long microseconds = 0;
  std::tm time = clock ? clock() : localNow(microseconds);
  for (size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%' || at + 1 == format.size()) {
      out += format[at];
      continue;
    }
    char flag = format[++at];
    bool isFlag = (flag == '-' || flag == '_' || flag == '0' || flag == '^' || flag == '#') && at + 1 < format.size();
    if (isFlag) ++at;
    size_t start = out.size();
    appendField(format[at], isFlag ? flag : '\0', time, microseconds, out);
    for (size_t i = start; isFlag && flag == '^' && i < out.size(); ++i)
      if (out[i] >= 'a' && out[i] <= 'z') out[i] = static_cast<char>(out[i] - 32);
    if (out.size() > 1 << 20) return false;
  }
  return true;
}

}  // namespace ingot::text
