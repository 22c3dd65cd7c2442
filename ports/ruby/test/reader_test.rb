# frozen_string_literal: true

require_relative "helper"

class ReaderTest < Minitest::Test
  FRAMES = "9:2:id,1:7#}5:hello,0:}0:~13:4:user,3:zed,}17:4:true!7:5:inner,]"

  # In portions of each size.
  def test_portions
    (1..FRAMES.size).each do |size|
      reader = Petrichor::Reader.new
      frames = FRAMES.scan(/.{1,#{size}}/).flat_map { |part| reader.feed(part) && drain(reader) }
      assert_equal FRAMES, frames.map(&:dump).join
      assert_equal 3, frames.size
      assert_equal [0, FRAMES.size], [reader.buffered, reader.offset]
    end
  end

  def drain(reader)
    frames = []
    while (frame = reader.next)
      frames << frame
    end
    frames
  end

  def test_an_error_stays
    reader = Petrichor::Reader.new.feed("0:}0:~0:}05:")
    assert_equal Petrichor::Frame.new({}, nil), reader.next
    errors = Array.new(2) do
      reader.feed("0:}0:~")
      assert_raises(Petrichor::Error) { reader.next }
    end
    assert_equal [[:syntax, 10]] * 2, errors.map { |e| [e.layer, e.offset] }
  end

  def test_what_is_fed_is_left_as_it_was
    bytes = "0:}2:é,"
    Petrichor::Reader.new.feed(bytes).next
    assert_equal Encoding::UTF_8, bytes.encoding
  end

  # A hundred thousand frames fed at once are read in a moment, not in one for each byte behind them.
  def test_many_frames_at_once
    reader = Petrichor::Reader.new.feed("0:}0:~" * 100_000)
    assert_equal 100_000, drain(reader).size
  end
end
