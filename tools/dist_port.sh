# Sourced by dist_train.sh and dist_test.sh: sets PORT, a free one where none is given, and refuses one that is taken.
if [ "${NODE_RANK:-0}" = 0 ]; then
    PORT=$(python - "${PORT:-$([ "${NNODES:-1}" = 1 ] && echo 0 || echo 29500)}" <<'EOF'
import socket
import sys

with socket.socket() as server:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(('', int(sys.argv[1])))
    except (OSError, OverflowError, ValueError) as error:
        sys.exit(f'error: PORT={sys.argv[1]} cannot be used ({error}); set another, or none to have a free one chosen')
    print(server.getsockname()[1])
EOF
    ) || exit 1
fi
