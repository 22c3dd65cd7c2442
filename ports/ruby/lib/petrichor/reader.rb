# frozen_string_literal: true

module Petrichor
  # Bytes in, frames out, in whatever portions they come. There is no IO here.
  #
  #   reader = Petrichor::Reader.new(size: 1 << 24)
  #   reader.feed(bytes)
  #   while (frame = reader.next) ... end
  #
  # It holds what has come, never what a size announces. After an error it says
  # the same for ever: nobody knows where the next frame begins.
  class Reader
    attr_writer :rules

    def initialize(**rules)
      @rules = STREAM.with(**rules)
      @buffer = String.new
      @at = 0     # in the buffer, of the next frame
      @offset = 0 # in the stream, of the buffer
    end

    def feed(bytes)
      @offset += @at
      @buffer.slice!(0, @at)
      @at = 0
      @buffer << Petrichor.binary(bytes)
      self
    end

    # The next frame, or nil until more has been fed.
    def next
      raise @error if @error

      frame, stop = Frame.cut(@buffer, @rules, at: @at)
      @at = stop if frame
      frame
    rescue Error => e
      @error ||= e.behind(@offset)
      raise @error
    end

    # How many bytes have been fed that no frame has been made of.
    def buffered
      @buffer.bytesize - @at
    end

    # How many bytes are in the frames that were returned.
    def offset
      @offset + @at
    end
  end
end
