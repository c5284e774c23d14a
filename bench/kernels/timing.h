// Timing of contestants side by side.
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace imago::bench {

struct Contestant {
  std::string name;
  std::function<void()> run;
  double seconds = 1e30;  // the best burst, per call
};

// The wall clock; or, with IMAGO_BENCH_CPU_TIME set, the processor time of this process, which compares single threads
// even on a machine that is busy with something else.
inline double seconds_now() {
  static const clockid_t clock = std::getenv("IMAGO_BENCH_CPU_TIME") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Lets contestants take turns for `rounds` rounds of bursts of about `burst` seconds, and keeps each one's best burst:
// whatever else the machine does only ever adds time. The pause lets the threads of the one before fall asleep, for
// some libraries' workers spin for tens of milliseconds after a call.
inline void take_turns(std::vector<Contestant>& contestants, int rounds, double burst) {
  for (int round = 0; round < rounds; ++round) {
    for (Contestant& contestant : contestants) {
      std::this_thread::sleep_for(std::chrono::milliseconds(40));
      contestant.run();  // wakes its threads
      int calls = 0;
      const double begin = seconds_now();
      double end = begin;
      do {
        contestant.run();
        ++calls;
        end = seconds_now();
      } while (end - begin < burst);
      contestant.seconds = std::min(contestant.seconds, (end - begin) / calls);
    }
  }
}

}  // namespace imago::bench
