#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_set.hpp>

namespace torc::storage {

/// Entries of the disk engine that a shard has at hand: all that are not
/// durable yet, and a bounded number of others, so that what is in use is read
/// without the engine.
///
/// Invariant: a dirty entry is the newest state of its key; a clean one is what
/// the engine has. A key that is not here must be read from the engine.
///
/// Clean entries go in the order in which they came, except that one which was
/// read or written meanwhile gets another round (the CLOCK of Corbato, 1968).
/// Lookups and changes are O(1); an overwrite allocates nothing if the new
/// entry fits, and touches no other entry.
class entry_cache {
public:
  /// Larger entries are not kept once they are durable.
  static constexpr std::size_t kept_bytes_max = 16 * 1024;

  /// `clean_bytes_max` bounds clean entries with what they cost around them;
  /// dirty ones are bounded by the commit queue.
  explicit entry_cache(std::size_t clean_bytes_max)
    : clean_bytes_max_(clean_bytes_max) {}
  ~entry_cache();

  entry_cache(const entry_cache&) = delete;
  entry_cache& operator=(const entry_cache&) = delete;

  struct found {
    std::string_view bytes;
    std::uint64_t dirty_seq; ///< 0: clean.
  };

  /// The bytes stay valid until the key changes or something is added. False:
  /// not here.
  bool find(std::string_view key, found& out);

  /// The commit that makes the key's entry durable; 0: clean or not here.
  std::uint64_t dirty_seq(std::string_view key) const;

  /// The key's newest state, which is to become durable with commit `seq`.
  /// REQUIRES: `seq` is not below that of an earlier call.
  void put_dirty(std::string_view key, std::string_view bytes,
                 std::uint64_t seq);

  /// What the engine has for a key. REQUIRES: the key is not here.
  void put_clean(std::string_view key, std::string_view bytes);

  /// Everything up to `seq` is in the engine.
  void committed(std::uint64_t seq);

  /// Forgets all: what is dirty will never be durable.
  void clear();

  std::size_t dirty_count() const noexcept { return dirty_count_; }
  std::size_t clean_bytes() const noexcept { return clean_bytes_; }

private:
  /// One block of memory: the key and the bytes lie behind it, so that a lookup
  /// touches little more than a cache line or two.
  struct entry {
    std::uint64_t seq = 0; ///< Commit that makes it durable; 0: clean.
    entry* before = nullptr;
    entry* after = nullptr;
    std::uint32_t key_size = 0;
    std::uint32_t size = 0;     ///< Of the bytes.
    std::uint32_t capacity = 0; ///< Room for them.
    std::uint16_t flags = 0;
    std::uint16_t queued = 0; ///< How often it is in the queue of dirty ones.

    char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
    const char* data() const noexcept {
      return reinterpret_cast<const char*>(this + 1);
    }
    std::string_view key() const noexcept { return {data(), key_size}; }
    std::string_view bytes() const noexcept {
      return {data() + key_size, size};
    }
    void assign(std::string_view x) noexcept;
  };

  enum flag : std::uint16_t {
    in_use = 1,  ///< Read or written since it had a round.
    in_ring = 2, ///< Has its place in the order of arrival.
    gone = 4,    ///< Only the queue of dirty ones knows it still.
  };

  /// A change that is not durable yet; a later one of the same entry may
  /// follow.
  struct change {
    entry* of;
    std::uint64_t seq;
  };

  /// Entries in order of arrival.
  struct list {
    entry* first = nullptr;
    entry* last = nullptr;

    void append(entry* e) noexcept;
    void remove(entry* e) noexcept;
    void exchange(entry* old, entry* by) noexcept;
  };

  struct key_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept;
    std::size_t operator()(const entry* e) const noexcept {
      return (*this)(e->key());
    }
  };
  struct key_equal {
    using is_transparent = void;
    static std::string_view key_of(const entry* e) noexcept { return e->key(); }
    static std::string_view key_of(std::string_view k) noexcept { return k; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
      return key_of(a) == key_of(b);
    }
  };

  static std::size_t cost_of(const entry& e) noexcept;
  static entry* make(std::string_view key, std::string_view bytes);
  entry* add(std::string_view key, std::string_view bytes);
  entry* replace(entry* e, std::string_view bytes);
  void queue(entry* e, std::uint64_t seq);
  void make_clean(entry* e);
  void erase(entry* e);
  static void release(entry* e) noexcept;
  void shrink();

  boost::unordered_flat_set<entry*, key_hash, key_equal> entries_;
  std::deque<change> dirty_; ///< By commit.
  list ring_;                ///< Clean ones, and dirty ones not met since.
  std::size_t dirty_count_ = 0;
  std::size_t clean_bytes_ = 0;
  std::size_t clean_bytes_max_;
};

} // namespace torc::storage
