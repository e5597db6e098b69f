// SPDX-License-Identifier: Apache-2.0
#include "core/data/loader.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/support/error.h"

namespace fovea {
namespace {

constexpr int most_threads = 256;
constexpr std::int64_t most_ahead = 4096;

std::int64_t checked_batch(std::int64_t batch, const Dataset& data) {
  require(batch >= 1 && batch <= data.size(),
          [&] { return fmt::format("batch: expected 1 to {} (the images), got {}", data.size(), batch); });
  return batch;
}

}  // namespace

Loader::Loader(const Dataset& data, const Normalization& normalization, LoaderOptions options)
    : data_(data), options_(std::move(options)), table_(normalization, data.sample_shape()) {
  checked_batch(options_.batch, data);
  options_.augmentation.require_fits(data.sample_shape());
  require(options_.augmentation.empty() || data.label_shape().rank() == 0, [&] {
    return fmt::format("augmentation '{}' is for data with one label for each image, not for each position",
                       options_.augmentation.text());
  });
  require(!options_.augment_on_device || !options_.augmentation.empty(),
          [] { return std::string("augmentation on the device: there is none to do"); });
  if (options_.classes == 0) options_.classes = data.classes();
  require(options_.classes >= data.classes(),
          [&] { return fmt::format("targets of {} classes: the data have {}", options_.classes, data.classes()); });
  require(options_.threads >= 0 && options_.threads <= most_threads,
          [&] { return fmt::format("loader threads: expected 0 to {}, got {}", most_threads, options_.threads); });
  require(options_.ahead >= 1 && options_.ahead <= most_ahead,
          [&] { return fmt::format("loader: expected room for 1 to {} batches, got {}", most_ahead, options_.ahead); });
  const std::int64_t most_epochs = std::numeric_limits<std::int64_t>::max() / batches_per_epoch();
  end_ = std::min(options_.epochs, most_epochs) * batches_per_epoch();
  try {
    for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (...) {
    stop();  // the system has no more threads
    throw;
  }
}

Loader::~Loader() { stop(); }

void Loader::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  room_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::int64_t Loader::batches_per_epoch() const { return (data_.size() + options_.batch - 1) / options_.batch; }

Loader::Order Loader::order_of(std::int64_t epoch) {
  const std::lock_guard lock(order_mutex_);
  if (const auto found = orders_.find(epoch); found != orders_.end()) return found->second;
  std::vector<std::int64_t> order;
  if (options_.shuffle) {
    order = epoch_order(data_.size(), options_.seed, epoch);
  } else {
    for (std::int64_t i = 0; i < data_.size(); ++i) order.push_back(i);
  }
  // Threads work on neighbouring epochs at most; a seek may go anywhere.
  if (orders_.size() >= 3) orders_.erase(orders_.begin()->first < epoch ? orders_.begin() : --orders_.end());
  return orders_[epoch] = std::make_shared<const std::vector<std::int64_t>>(std::move(order));
}

std::vector<std::int64_t> Loader::samples(std::int64_t epoch, std::int64_t position) {
  require(epoch >= 0 && position >= 0 && position < batches_per_epoch(), [&] {
    return fmt::format("loader: batch {} of epoch {} does not exist; an epoch has {}", position, epoch,
                       batches_per_epoch());
  });
  const Order order = order_of(epoch);
  const std::int64_t first = position * options_.batch, last = std::min(first + options_.batch, data_.size());
  return {order->begin() + first, order->begin() + last};
}

void Loader::read_sample(std::int64_t sample, std::span<std::uint8_t> pixels, std::span<std::int32_t> labels,
                         Made& made) const {
  for (std::int64_t tried = 0;; ++tried) {
    try {
      return data_.read_labels((sample + tried) % data_.size(), pixels, labels);
    } catch (const InputError& error) {
      if (options_.unreadable == Unreadable::fail) throw;
      if (tried == 0) made.unreadable.emplace_back(sample, error.what());
      require(tried + 1 < data_.size(),
              [&] { return fmt::format("none of the {} images can be read: {}", data_.size(), error.what()); });
    }
  }
}

Batch Loader::room_for(std::int64_t samples) {
  // For a device to mix, the partners follow the batch's own images.
  const bool partners = options_.augment_on_device && mixes();
  const std::int64_t read = partners ? 2 * samples : samples;
  const Shape images = data_.sample_shape().with_batch(read);
  const Shape labels = mixes() ? Shape{samples, options_.classes} : data_.label_shape().with_batch(samples);
  {
    const std::lock_guard lock(mutex_);
    const auto spare = std::ranges::find_if(
        spare_, [&](const Batch& b) { return b.images.shape() == images && b.labels.shape() == labels; });
    if (spare != spare_.end()) {
      Batch batch = std::move(*spare);
      spare_.erase(spare);
      return batch;
    }
  }
  Batch batch{Tensor(images, image_dtype()), Tensor(labels, label_dtype())};
  const std::int64_t numbers = options_.augment_on_device ? options_.augmentation.numbers() : 0;
  if (numbers > 0) batch.rows = Tensor({read * numbers}, DType::i64);
  if (partners) batch.mixes = Tensor({samples, mix_numbers}, DType::i64);
  return batch;
}

void Loader::recycle(Batch batch) {
  if (batch.images.dtype() != image_dtype() || batch.labels.dtype() != label_dtype()) return;
  const bool for_device = options_.augment_on_device;
  if (batch.rows.empty() != (!for_device || options_.augmentation.numbers() == 0)) return;
  if (batch.mixes.empty() != (!for_device || !mixes())) return;
  if (!batch.images.on_host() || !batch.labels.on_host()) return;
  const std::lock_guard lock(mutex_);
  // As many as are made at a time, and the smaller one that ends an epoch.
  if (spare_.size() < threads_.size() + 2) spare_.push_back(std::move(batch));
}

void Loader::put_labels(std::size_t place, std::span<const std::int32_t> own, std::span<const std::int32_t> partner,
                        const Augmentation::Mix& mix, Batch& batch) const {
  if (!mixes()) {
    std::ranges::copy(own, batch.labels.span<std::int32_t>().subspan(place * own.size(), own.size()).begin());
    return;
  }
  const auto classes = static_cast<std::size_t>(options_.classes);
  mix_targets(partner_share(mix.row, data_.sample_shape()), own[0], partner[0],
              batch.labels.span<float>().subspan(place * classes, classes));
}

// Draws are keyed by the sample that was asked for, so that its replacement does not look twice the same.
void Loader::fill(std::int64_t epoch, const std::vector<std::int64_t>& indices, Batch& batch, Made& made) const {
  const Shape shape = data_.sample_shape();
  const auto size = static_cast<std::size_t>(shape.elements());
  const Augmentation& augmentation = options_.augmentation;
  std::vector<std::uint8_t> sample(size), other(mixes() ? size : 0), scratch;
  std::vector<std::int32_t> labels(static_cast<std::size_t>(data_.label_shape().elements())), others(labels.size());
  for (std::size_t place = 0; place < indices.size(); ++place) {
    read_sample(indices[place], sample, labels, made);
    augmentation.apply(options_.seed, epoch, indices[place], shape, sample, scratch);
    Augmentation::Mix mix;
    if (mixes()) {
      mix = augmentation.draw_mix(options_.seed, epoch, indices[place], shape, data_.size());
      read_sample(mix.partner, other, others, made);
      augmentation.apply(options_.seed, epoch, mix.partner, shape, other, scratch);
      mix_images(mix.row, other, {shape[0], shape[1], shape[2], sample, scratch});
    }
    put_labels(place, labels, others, mix, batch);
    table_.apply(sample, batch.images.span<float>().data() + place * size);
  }
}

// The same samples, as bytes, and the same draws.
void Loader::fill_for_device(std::int64_t epoch, const std::vector<std::int64_t>& indices, Batch& batch,
                             Made& made) const {
  const Shape shape = data_.sample_shape();
  const auto size = static_cast<std::size_t>(shape.elements());
  const Augmentation& augmentation = options_.augmentation;
  const std::int64_t read = batch.images.shape()[0];
  std::vector<std::int32_t> labels(static_cast<std::size_t>(data_.label_shape().elements())), others(labels.size());
  const auto take = [&](std::int64_t sample, std::size_t place, std::span<std::int32_t> into) {
    read_sample(sample, batch.images.span<std::uint8_t>().subspan(place * size, size), into, made);
    if (batch.rows.empty()) return;
    augmentation.draw(options_.seed, epoch, sample, shape, static_cast<std::int64_t>(place), read,
                      batch.rows.span<std::int64_t>());
  };
  for (std::size_t place = 0; place < indices.size(); ++place) {
    take(indices[place], place, labels);
    Augmentation::Mix mix;
    if (mixes()) {
      mix = augmentation.draw_mix(options_.seed, epoch, indices[place], shape, data_.size());
      take(mix.partner, indices.size() + place, others);
      std::ranges::copy(mix.row, batch.mixes.span<std::int64_t>().subspan(place * mix.row.size()).begin());
    }
    put_labels(place, labels, others, mix, batch);
  }
}

Loader::Made Loader::make(std::int64_t ticket) {
  Made made;
  try {
    const std::int64_t epoch = ticket / batches_per_epoch();
    const std::vector<std::int64_t> indices = samples(epoch, ticket % batches_per_epoch());
    Batch batch = room_for(static_cast<std::int64_t>(indices.size()));
    if (options_.augment_on_device)
      fill_for_device(epoch, indices, batch, made);
    else
      fill(epoch, indices, batch, made);
    made.batch = std::move(batch);
  } catch (...) {
    made.error = std::current_exception();
  }
  return made;
}

void Loader::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    room_.wait(lock, [&] { return stop_ || (next_ < asked_ + options_.ahead && next_ < end_); });
    if (stop_) return;
    const std::int64_t ticket = next_++, start = start_;
    lock.unlock();
    Made made = make(ticket);
    lock.lock();
    if (start != start_) continue;
    made_.emplace(ticket, std::move(made));
    ready_.notify_one();
  }
}

Batch Loader::batch(std::int64_t epoch, std::int64_t position) {
  samples(epoch, position);  // refuses places that do not exist
  const std::int64_t ticket = epoch * batches_per_epoch() + position;
  Made made;
  if (threads_.empty() || ticket >= end_) {
    made = make(ticket);
  } else {
    std::unique_lock lock(mutex_);
    if (ticket != asked_) {
      made_.clear();
      ++start_;
      next_ = asked_ = ticket;
      room_.notify_all();
    }
    ready_.wait(lock, [&] { return made_.contains(ticket); });
    made = std::move(made_.extract(ticket).mapped());
    ++asked_;
  }
  room_.notify_all();
  for (const auto& [sample, what] : made.unreadable) {
    ++replaced_;
    unreadable_.emplace(sample, what);
  }
  if (made.error) std::rethrow_exception(made.error);
  return std::move(made.batch);
}

}  // namespace fovea
