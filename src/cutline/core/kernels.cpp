// The compiled kernels. Arrays in, arrays out: no policy, no validation beyond what memory safety needs.
// The caller (core/__init__.py) passes contiguous arrays with finite scores.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

namespace nb = nanobind;

namespace {

template <typename T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<nb::numpy, T>;

template <typename T>
Out<T> to_numpy(std::vector<T> &&values, std::initializer_list<size_t> shape) {
    auto *held = new std::vector<T>(std::move(values));
    nb::capsule owner(held, [](void *p) noexcept { delete static_cast<std::vector<T> *>(p); });
    return Out<T>(held->data(), shape, owner);
}

// ---------------------------------------------------------------------------------------------
// Order-preserving keys: for finite a and b, key(a) < key(b) exactly when a > b, so ascending keys are
// descending scores. A float's bits order like an integer's once negatives are flipped.
// -0.0 + 0.0 is +0.0, which makes both zeros one score.

inline uint64_t key_of(double score) {
    const auto bits = std::bit_cast<uint64_t>(score + 0.0);
    const uint64_t ascending = bits ^ ((bits >> 63) ? ~uint64_t{0} : uint64_t{1} << 63);
    return ~ascending;
}

inline double score_of(uint64_t key) {
    const uint64_t ascending = ~key;
    const uint64_t bits = ascending ^ ((ascending >> 63) ? uint64_t{1} << 63 : ~uint64_t{0});
    return std::bit_cast<double>(bits);
}

struct Row {
    uint64_t key;
};

struct WeightedRow {
    uint64_t key;
    double weight;
};

// Least-significant-digit radix sort, 11 bits a pass, stable. A digit that is the same in every row
// (the exponent of probabilities, the low bits of float32 data) costs no pass.
template <typename R>
void sort_rows(std::vector<R> &rows) {
    const size_t n = rows.size();
    if (n < 1024) {  // below this the histograms cost more than comparisons
        std::stable_sort(rows.begin(), rows.end(), [](const R &a, const R &b) { return a.key < b.key; });
        return;
    }
    constexpr int kBits = 11, kPasses = 6;
    constexpr size_t kSize = size_t{1} << kBits, kMask = kSize - 1;
    std::vector<std::array<size_t, kSize>> counts(kPasses);
    for (const R &row : rows)
        for (int pass = 0; pass < kPasses; ++pass) ++counts[pass][(row.key >> (pass * kBits)) & kMask];
    std::vector<R> other(n);
    for (int pass = 0; pass < kPasses; ++pass) {
        auto &count = counts[pass];
        const int shift = pass * kBits;
        if (count[(rows[0].key >> shift) & kMask] == n) continue;
        size_t start = 0;
        for (size_t &c : count) start += std::exchange(c, start);
        for (const R &row : rows) other[count[(row.key >> shift) & kMask]++] = row;
        rows.swap(other);
    }
}

template <typename S>
std::vector<Row> keys(const S *score, const uint8_t *truth, uint8_t wanted, size_t n) {
    std::vector<Row> rows;
    rows.reserve(n);
    for (size_t i = 0; i < n; ++i)
        if (truth[i] == wanted) rows.push_back({key_of(static_cast<double>(score[i]))});
    return rows;
}

template <typename S>
std::vector<WeightedRow> keys(const S *score, const uint8_t *truth, uint8_t wanted, size_t n, const double *weight) {
    std::vector<WeightedRow> rows;
    rows.reserve(n);
    for (size_t i = 0; i < n; ++i)
        if (truth[i] == wanted) rows.push_back({key_of(static_cast<double>(score[i])), weight[i]});
    return rows;
}

// Merge the sorted positives and sorted negatives, calling group(key, positives' range, negatives' range)
// once for every distinct score, the highest first.
template <typename R, typename F>
void merge_groups(const std::vector<R> &pos, const std::vector<R> &neg, F &&group) {
    size_t i = 0, j = 0;
    while (i < pos.size() || j < neg.size()) {
        const uint64_t key = j == neg.size()   ? pos[i].key
                             : i == pos.size() ? neg[j].key
                                               : std::min(pos[i].key, neg[j].key);
        const size_t i0 = i, j0 = j;
        while (i < pos.size() && pos[i].key == key) ++i;
        while (j < neg.size() && neg[j].key == key) ++j;
        group(key, i0, i, j0, j);
    }
}

// The table of all thresholds. Row 0 is +inf: nobody is flagged.
template <typename S>
nb::tuple sweep(In<S> score, In<uint8_t> truth) {
    const size_t n = score.size();
    std::vector<double> threshold{std::numeric_limits<double>::infinity()};
    std::vector<int64_t> tp{0}, fp{0};
    {
        nb::gil_scoped_release release;
        auto pos = keys(score.data(), truth.data(), 1, n), neg = keys(score.data(), truth.data(), 0, n);
        sort_rows(pos);
        sort_rows(neg);
        merge_groups(pos, neg, [&](uint64_t key, size_t, size_t i, size_t, size_t j) {
            threshold.push_back(score_of(key));
            tp.push_back(static_cast<int64_t>(i));
            fp.push_back(static_cast<int64_t>(j));
        });
    }
    const size_t m = threshold.size();
    return nb::make_tuple(to_numpy(std::move(threshold), {m}), to_numpy(std::move(tp), {m}),
                          to_numpy(std::move(fp), {m}));
}

template <typename S>
nb::tuple sweep_weighted(In<S> score, In<uint8_t> truth, In<double> weight) {
    const size_t n = score.size();
    std::vector<double> threshold{std::numeric_limits<double>::infinity()};
    std::vector<int64_t> tp{0}, fp{0};
    std::vector<double> sums{0, 0, 0, 0};  // per row: w of positives, w of negatives, w^2 of positives, w^2 of negatives
    {
        nb::gil_scoped_release release;
        auto pos = keys(score.data(), truth.data(), 1, n, weight.data());
        auto neg = keys(score.data(), truth.data(), 0, n, weight.data());
        sort_rows(pos);
        sort_rows(neg);
        std::array<double, 4> sum{}, lost{};  // compensated (Neumaier): a long cumulative sum must not drift
        const auto add = [&](size_t slot, double value) {
            const double next = sum[slot] + value;
            lost[slot] += std::abs(sum[slot]) >= std::abs(value) ? (sum[slot] - next) + value : (value - next) + sum[slot];
            sum[slot] = next;
        };
        merge_groups(pos, neg, [&](uint64_t key, size_t i0, size_t i, size_t j0, size_t j) {
            for (size_t r = i0; r < i; ++r) add(0, pos[r].weight), add(2, pos[r].weight * pos[r].weight);
            for (size_t r = j0; r < j; ++r) add(1, neg[r].weight), add(3, neg[r].weight * neg[r].weight);
            threshold.push_back(score_of(key));
            tp.push_back(static_cast<int64_t>(i));
            fp.push_back(static_cast<int64_t>(j));
            for (size_t slot = 0; slot < 4; ++slot) sums.push_back(sum[slot] + lost[slot]);
        });
    }
    const size_t m = threshold.size();
    return nb::make_tuple(to_numpy(std::move(threshold), {m}), to_numpy(std::move(tp), {m}),
                          to_numpy(std::move(fp), {m}), to_numpy(std::move(sums), {m, 4}));
}

// ---------------------------------------------------------------------------------------------
// Poisson bootstrap of ROC AUC and average precision over the distinct scores.

uint64_t mix(uint64_t x) {  // splitmix64 (Steele, Lea & Flood 2014)
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

// Poisson(1) draws by inversion of 16-bit uniforms, four to a 64-bit word of xorshift128+ (Vigna 2017).
class Poisson {
  public:
    explicit Poisson(uint64_t seed) : a_(mix(seed)), b_(mix(mix(seed))) {}

    int64_t sum(int64_t k) {
        int64_t total = 0;
        while (k-- > 0) total += table()[next()];
        return total;
    }

  private:
    static const std::array<uint8_t, 65536> &table() {
        static const auto made = [] {
            std::array<uint8_t, 65536> t{};
            // round(65536 * P(X <= j)), X ~ Poisson(1), j = 0..7
            constexpr std::array<uint32_t, 8> cdf{24109, 48219, 60273, 64292, 65296, 65497, 65531, 65535};
            for (uint32_t u = 0; u < 65536; ++u)
                t[u] = static_cast<uint8_t>(std::upper_bound(cdf.begin(), cdf.end(), u) - cdf.begin());
            return t;
        }();
        return made;
    }

    uint16_t next() {
        if (left_ == 0) {
            uint64_t x = a_;
            const uint64_t y = b_;
            word_ = x + y;
            a_ = y;
            x ^= x << 23;
            b_ = x ^ y ^ (x >> 18) ^ (y >> 5);
            left_ = 4;
        }
        --left_;
        const auto out = static_cast<uint16_t>(word_ >> 48);  // high bits first: the low ones are the weakest
        word_ <<= 16;
        return out;
    }

    uint64_t a_, b_, word_ = 0;
    int left_ = 0;
};

nb::ndarray<nb::numpy, double> bootstrap_ranking(In<int64_t> pos, In<int64_t> neg, size_t replicates, uint64_t seed,
                                                 unsigned threads) {
    const size_t groups = pos.size();
    std::vector<double> out(2 * replicates);
    {
        nb::gil_scoped_release release;
        const int64_t *p = pos.data(), *q = neg.data();
        const auto run = [&](size_t from, size_t to) {
            for (size_t r = from; r < to; ++r) {
                // The stream belongs to (seed, replicate), not to a thread: the count of threads cannot show.
                Poisson draw(mix(seed) ^ mix(0x5851f42d4c957f2dULL + r));
                double tp = 0, fp = 0, pairs = 0, ap = 0;
                for (size_t g = 0; g < groups; ++g) {
                    const auto dp = static_cast<double>(draw.sum(p[g])), dq = static_cast<double>(draw.sum(q[g]));
                    pairs += dq * (tp + 0.5 * dp);
                    tp += dp;
                    fp += dq;
                    if (dp > 0) ap += dp * tp / (tp + fp);
                }
                const double nan = std::numeric_limits<double>::quiet_NaN();
                out[2 * r] = tp > 0 && fp > 0 ? pairs / (tp * fp) : nan;
                out[2 * r + 1] = tp > 0 ? ap / tp : nan;
            }
        };
        threads = std::max(1u, std::min<unsigned>(threads, static_cast<unsigned>(replicates)));
        std::vector<std::thread> pool;
        for (unsigned t = 1; t < threads; ++t)
            pool.emplace_back(run, replicates * t / threads, replicates * (t + 1) / threads);
        run(0, replicates / threads);
        for (auto &thread : pool) thread.join();
    }
    return to_numpy(std::move(out), {replicates, 2});
}

}  // namespace

NB_MODULE(_kernels, m) {
    m.def("sweep", &sweep<float>, nb::arg("score").noconvert(), nb::arg("truth").noconvert());
    m.def("sweep", &sweep<double>, nb::arg("score").noconvert(), nb::arg("truth").noconvert());
    m.def("sweep_weighted", &sweep_weighted<float>, nb::arg("score").noconvert(), nb::arg("truth").noconvert(),
          nb::arg("weight").noconvert());
    m.def("sweep_weighted", &sweep_weighted<double>, nb::arg("score").noconvert(), nb::arg("truth").noconvert(),
          nb::arg("weight").noconvert());
    m.def("bootstrap_ranking", &bootstrap_ranking, nb::arg("pos").noconvert(), nb::arg("neg").noconvert(),
          nb::arg("replicates"), nb::arg("seed"), nb::arg("threads"));
}
