# frozen_string_literal: true

module Petrichor
  # The one error there is. It says who decided, and where: offset counts bytes
  # from the beginning of what was parsed, or of all that a Reader has been fed;
  # it is nil where no byte is to blame.
  #
  #   :syntax   no element, whatever may follow
  #   :header   the header of a frame is no dict
  #   :limit    too large, too deep or too many
  #   :range    a number that no Float is
  #   :short    the bytes, or the stream, end inside an element or a frame
  #   :value    a value that cannot be written, or a method that was not called in its turn
  #   :stream   the IO has failed; cause says how
  #   :timeout  the peer took too long
  #
  # A message never shows what a peer has sent.
  class Error < StandardError
    WORDS = { syntax: "syntax error", header: "header error" }.freeze

    attr_reader :layer, :offset, :why

    def initialize(layer, offset, why)
      @layer = layer
      @offset = offset
      @why = why
      super("#{WORDS.fetch(layer, layer)}#{" at byte #{offset}" if offset}: #{why}")
    end

    # The same, found in bytes that begin so many bytes further on.
    def behind(bytes)
      offset ? Error.new(layer, offset + bytes, why) : self
    end
  end
end
