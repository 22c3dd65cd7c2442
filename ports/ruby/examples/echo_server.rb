# frozen_string_literal: true

# Answers the first frame of each peer, and then sends every frame back. A peer
# whose header has an entry deny is denied.
#
#   echo_server.rb [HOST [PORT]]

require "petrichor"

def serve(socket)
  connection = Petrichor::Connection.accept(socket)
  return connection.deny if connection.first.header.key?("deny")

  connection.allow
  connection.each { |frame| connection.send(frame.header, frame.body) }
rescue Petrichor::Error => e
  warn "echo_server: #{e.message}"
ensure
  socket.close
end

host = ARGV.fetch(0, "127.0.0.1")
listener = TCPServer.new(host, ARGV.fetch(1, "7670"))
puts "listening on #{host}:#{listener.local_address.ip_port}"
$stdout.flush
loop do
  socket = listener.accept
  Thread.new { serve(socket) }
rescue SystemCallError, ThreadError # no more files or threads: peers that leave give some back
  socket&.close
  sleep 0.01
end
