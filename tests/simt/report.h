// Reports a fault: one line on standard error by a bare system call, then a trap.
#pragma once

namespace simt {

static inline void writeError(const char* text, long length) {
#if defined(__x86_64__)
  long result;
  asm volatile("syscall" : "=a"(result) : "a"(1L), "D"(2L), "S"(text), "d"(length) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
  register long number asm("x8") = 64, file asm("x0") = 2, from asm("x1") = (long)text, size asm("x2") = length;
  asm volatile("svc 0" : "+r"(file) : "r"(number), "r"(from), "r"(size) : "memory");
#endif
}

// Fixed-size text builder.
class Line {
 public:
  Line& operator<<(const char* text) {
    for (; *text && used_ < kMost; ++text) text_[used_++] = *text;
    return *this;
  }
  Line& operator<<(long long number) {
    char digits[24];
    int count = 0;
    unsigned long long rest = number < 0 ? 0ull - (unsigned long long)number : (unsigned long long)number;
    do digits[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0) *this << "-";
    while (count > 0 && used_ < kMost) text_[used_++] = digits[--count];
    return *this;
  }
  void write() const { writeError(text_, used_); }

 private:
  static constexpr int kMost = 400;
  char text_[kMost];
  int used_ = 0;
};

}  // namespace simt
