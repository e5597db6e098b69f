// SPDX-License-Identifier: Apache-2.0
//
// Batches for training, made ahead of time by threads of its own. Every batch follows from (data, normalisation, seed,
// epoch, position) alone: neither the number of threads nor where a run was cut and resumed can change it.
#pragma once
#include <condition_variable>
#include <exception>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/data/augment/augmentation.h"
#include "core/data/dataset.h"

namespace fovea {

struct LoaderOptions {
  std::int64_t batch = 64;  // the last of an epoch is smaller when the data do not divide
  std::uint64_t seed = 1;   // of the epochs' orders and the augmentation
  bool shuffle = true;      // else the data's own order
  Augmentation augmentation = {};
  // Where the augmentation mixes: how many classes the targets have; 0: as many as the data.
  std::int64_t classes = 0;
  // Batches of bytes, with the numbers that the augmentation drew: somebody else augments and normalises them.
  bool augment_on_device = false;
  int threads = 1;         // 0: batches are made when they are asked for, by who asks
  std::int64_t ahead = 4;  // batches that wait, at most
  std::int64_t epochs = std::numeric_limits<std::int64_t>::max();  // nothing is made ahead beyond these
  // A sample that cannot be read is replaced by the next one in the data's order that can, with that one's label.
  Unreadable unreadable = Unreadable::fail;
};

class Loader {
 public:
  // The data must outlive the loader. Throws InputError: a batch outside [1, data.size()], an augmentation or a
  // normalisation that does not fit the samples, none to do on a device, fewer classes than the data have, negative
  // threads, no room ahead.
  Loader(const Dataset& data, const Normalization& normalization, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::int64_t batches_per_epoch() const;
  // The batch at `position` of `epoch`, both from 0. Asking for them in order is fast; any other place costs a fresh
  // start. What making it threw is thrown here, at its own place; the places after it can be asked for. One caller at a
  // time.
  Batch batch(std::int64_t epoch, std::int64_t position);
  // Gives back a batch that nobody reads any more. Its memory serves the next ones: new memory for a large batch takes
  // longer than to fill it.
  void recycle(Batch batch);
  // The data's numbers of the samples at a place, before replacements.
  std::vector<std::int64_t> samples(std::int64_t epoch, std::int64_t position);

  // Unreadable samples in the batches handed out so far: how often one was replaced, and what was wrong with each.
  std::int64_t replaced() const { return replaced_; }
  const std::map<std::int64_t, std::string>& unreadable() const { return unreadable_; }

 private:
  struct Made {
    Batch batch;
    std::vector<std::pair<std::int64_t, std::string>> unreadable;
    std::exception_ptr error;
  };
  using Order = std::shared_ptr<const std::vector<std::int64_t>>;

  Order order_of(std::int64_t epoch);
  Batch room_for(std::int64_t samples);
  Made make(std::int64_t ticket);
  void read_sample(std::int64_t sample, std::span<std::uint8_t> pixels, std::span<std::int32_t> labels,
                   Made& made) const;
  void fill(std::int64_t epoch, const std::vector<std::int64_t>& indices, Batch& batch, Made& made) const;
  void fill_for_device(std::int64_t epoch, const std::vector<std::int64_t>& indices, Batch& batch, Made& made) const;
  // Of a sample that was read with its labels, the label or the target of the batch.
  void put_labels(std::size_t place, std::span<const std::int32_t> own, std::span<const std::int32_t> partner,
                  const Augmentation::Mix& mix, Batch& batch) const;
  bool mixes() const { return options_.augmentation.mixes(); }
  DType image_dtype() const { return options_.augment_on_device ? DType::u8 : DType::f32; }
  DType label_dtype() const { return mixes() ? DType::f32 : DType::i32; }
  void work();
  void stop();

  const Dataset& data_;
  LoaderOptions options_;
  PixelTable table_;
  std::int64_t end_;  // the first ticket that is not made ahead; a ticket counts batches from the run's beginning

  std::mutex order_mutex_;
  std::map<std::int64_t, Order> orders_;  // of the last few epochs

  std::mutex mutex_;  // guards what follows
  std::condition_variable room_, ready_;
  std::map<std::int64_t, Made> made_;
  std::vector<Batch> spare_;  // what recycle() was given
  std::int64_t next_ = 0;     // the ticket that the next free thread takes
  std::int64_t asked_ = 0;    // the ticket that is expected to be asked for
  std::int64_t start_ = 0;    // counts fresh starts, so that what was begun before one is dropped
  bool stop_ = false;

  std::int64_t replaced_ = 0;  // only batch() touches these two
  std::map<std::int64_t, std::string> unreadable_;
  std::vector<std::thread> threads_;  // last: they use all of the above
};

}  // namespace fovea
