"""The lab: throwaway servers, an outside host and, where no registry answers, stand-in images."""
