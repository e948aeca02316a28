// delayed-link FAR_NAMESPACE INTERFACE RTT_MS JITTER_MS LOSS
//
// A link between this network namespace and another, for kernels without `tc netem`: a TUN interface of the same name on
// either side, and this process between them, which lets every IP packet wait for half the round trip (give or take the
// jitter, never overtaking an earlier one) or drops it. What goes over it are real packets: a lost one is sent again by
// the kernel's own TCP. Prints `ready` once both interfaces are there; both go with the process.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

/** More than fits between two ends: as a router with a full buffer does, the newest goes. */
constexpr std::size_t kMostWaiting = 10'000;
/** The largest IP packet. */
constexpr std::size_t kMostBytes = 65'536;

struct Waiting {
  Clock::time_point due;
  std::vector<char> bytes;
};

/** One direction. */
struct Way {
  int from;
  int to;
  std::deque<Waiting> waiting;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "delayed-link: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

int openNamespace(const std::string& path) {
  const int handle = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) fail(path);
  return handle;
}

/** An interface of the namespace that this process is in now. */
int openTun(const std::string& name) {
  const int handle = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (handle < 0) fail("/dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  if (ioctl(handle, TUNSETIFF, &request) < 0) fail(name);
  return handle;
}

class Link {
 public:
  Link(double rttMs, double jitterMs, double loss)
      : delay_(rttMs / 2), jitter_(-jitterMs, jitterMs), lost_(loss), random_(std::random_device{}()) {}

  /** Takes in what has come. */
  void receive(Way& way) {
    char bytes[kMostBytes];
    for (;;) {
      const ssize_t count = read(way.from, bytes, sizeof bytes);
      if (count <= 0) return;
      if (lost_(random_) || way.waiting.size() >= kMostWaiting) continue;
      const double ms = std::max(0.0, delay_ + jitter_(random_));
      auto due = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(ms));
      if (!way.waiting.empty()) due = std::max(due, way.waiting.back().due);
      way.waiting.push_back({due, std::vector<char>(bytes, bytes + count)});
    }
  }

  /** Lets go what is due. */
  static void deliver(Way& way) {
    while (!way.waiting.empty() && way.waiting.front().due <= Clock::now()) {
      const auto& bytes = way.waiting.front().bytes;
      // An interface that is not up yet refuses: the packet is lost, as on a cable that is not plugged in.
      if (write(way.to, bytes.data(), bytes.size()) < 0 && errno != EIO) std::perror("delayed-link: write");
      way.waiting.pop_front();
    }
  }

 private:
  double delay_;
  std::uniform_real_distribution<double> jitter_;
  std::bernoulli_distribution lost_;
  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: delayed-link FAR_NAMESPACE INTERFACE RTT_MS JITTER_MS LOSS\n");
    return 2;
  }
  // Ends with whoever started it.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  const std::string name = argv[2];
  const int here = openTun(name);
  const int far = openNamespace(std::string("/run/netns/") + argv[1]);
  if (setns(far, CLONE_NEWNET) < 0) fail("setns");
  const int there = openTun(name);
  std::puts("ready");
  std::fflush(stdout);

  Link link(std::atof(argv[3]), std::atof(argv[4]), std::atof(argv[5]));
  Way ways[] = {{here, there, {}}, {there, here, {}}};
  for (;;) {
    for (Way& way : ways) Link::deliver(way);
    timespec wait{3600, 0};
    for (const Way& way : ways) {
      if (way.waiting.empty()) continue;
      const auto left = std::max(Clock::duration::zero(), way.waiting.front().due - Clock::now());
      const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
      const timespec until{ns / 1'000'000'000, ns % 1'000'000'000};
      if (until.tv_sec < wait.tv_sec || (until.tv_sec == wait.tv_sec && until.tv_nsec < wait.tv_nsec)) wait = until;
    }
    pollfd handles[] = {{here, POLLIN, 0}, {there, POLLIN, 0}};
    if (ppoll(handles, 2, &wait, nullptr) < 0 && errno != EINTR) fail("ppoll");
    for (std::size_t i = 0; i < 2; i++)
      if (handles[i].revents & POLLIN) link.receive(ways[i]);
  }
}
